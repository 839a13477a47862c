// What the C++ programs share: their arguments, the table of gaps, and the line they print. See work.ts for the work.
#pragma once
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

struct Outcome {
  int64_t events = 0;
  int64_t clockMs = 0;
  double sum = 0;
};

inline std::vector<int32_t> gapsMs;

inline void readGaps(const char* path) {
  if (std::strcmp(path, "-") == 0) return;
  FILE* file = std::fopen(path, "rb");
  if (file == nullptr) std::exit(2);
  std::fseek(file, 0, SEEK_END);
  gapsMs.resize(static_cast<size_t>(std::ftell(file)) / sizeof(int32_t));
  std::rewind(file);
  if (std::fread(gapsMs.data(), sizeof(int32_t), gapsMs.size(), file) != gapsMs.size()) std::exit(2);
  std::fclose(file);
}

inline std::vector<uint16_t> rows;

inline void readyRows(uint32_t pending) {
  for (uint32_t id = 0; id < pending; id++) rows.push_back(static_cast<uint16_t>(id));
}

inline int32_t gapOf(uint32_t id) { return gapsMs[rows[id] = static_cast<uint16_t>(rows[id] + 7919)]; }

inline uint32_t weighed(int64_t nowMs, uint32_t id) { return static_cast<uint32_t>(nowMs) * (id + 1); }

using Seconds = std::chrono::duration<double>;

/** Times `go`, which returns the outcome, and prints it. */
template <typename Go>
void timed(Go go) {
  const auto from = std::chrono::steady_clock::now();
  const Outcome outcome = go();
  const Seconds seconds = std::chrono::steady_clock::now() - from;
  std::printf("%lld %lld %.0f %.9f\n", static_cast<long long>(outcome.events),
              static_cast<long long>(outcome.clockMs), outcome.sum, seconds.count());
}

void hold(uint32_t pending, int64_t untilMs);
void station(uint32_t customers);

int main(int count, char** arguments) {
  if (count < 4) return 2;
  readGaps(arguments[2]);
  if (std::strcmp(arguments[1], "hold") == 0)
    hold(static_cast<uint32_t>(std::atol(arguments[3])), std::atoll(arguments[4]));
  else
    station(static_cast<uint32_t>(std::atol(arguments[3])));
}
