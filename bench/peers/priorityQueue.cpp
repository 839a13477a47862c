// The floor: a plain loop over std::priority_queue, with 16 bytes an event and a total order. No callbacks, no cancelling.
#include <cmath>
#include <deque>
#include <queue>
#include "work.hpp"

struct Event {
  int64_t atMs;
  uint64_t order; // 40 bits of arrival, 24 of the entity
};

struct After {
  bool operator()(const Event& a, const Event& b) const {
    return a.atMs > b.atMs || (a.atMs == b.atMs && a.order > b.order);
  }
};

using Calendar = std::priority_queue<Event, std::vector<Event>, After>;

void hold(uint32_t pending, int64_t untilMs) {
  Calendar calendar;
  uint64_t arrivals = 0;
  readyRows(pending);
  for (uint32_t id = 0; id < pending; id++) calendar.push({gapOf(id), arrivals++ << 24 | id});
  timed([&] {
    Outcome outcome;
    uint32_t sum = 0;
    while (calendar.top().atMs <= untilMs) {
      const Event event = calendar.top();
      calendar.pop();
      const uint32_t id = event.order & 0xffffff;
      outcome.events++;
      outcome.clockMs = event.atMs;
      sum += weighed(event.atMs, id);
      calendar.push({event.atMs + gapOf(id), arrivals++ << 24 | id});
    }
    outcome.sum = sum;
    return outcome;
  });
}

// core/kernel/rng.ts: a customer's luck is a function of the seed, the stream and the customer.
static uint32_t mix(uint32_t word) {
  word = (word ^ word >> 16) * 0x85ebca6bu;
  word = (word ^ word >> 13) * 0xc2b2ae35u;
  return word ^ word >> 16;
}

static uint32_t hashText(const char* text, uint32_t basis) {
  uint32_t hash = basis;
  for (; *text != 0; text++) hash = (hash ^ static_cast<uint8_t>(*text)) * 0x01000193u;
  return mix(hash);
}

class Stream {
  uint32_t low, high;

 public:
  explicit Stream(const char* name) {
    const uint32_t seed = mix(1); // STATION_SEED
    low = hashText(name, 0x811c9dc5u) ^ seed;
    high = hashText(name, 0x1b873593u) ^ mix(seed ^ 0x9e3779b9u);
  }

  int64_t exponential(uint32_t key, double mean) const {
    uint32_t a = mix(key ^ low), b = mix(a ^ high), c = mix(a + 0x6d2b79f5u), d = mix(b + 0x3c6ef372u) | 1;
    const auto next = [&] {
      const uint32_t five = b * 5, result = (five << 7 | five >> 25) * 9, shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = d << 11 | d >> 21;
      return result;
    };
    const double upper = next() >> 5, lower = next() >> 6;
    return std::llround(-mean * std::log(1 - (upper * 0x4000000 + lower) / 0x20000000000000));
  }
};

void station(uint32_t customers) {
  const Stream arrival("station.arrival"), service("station.service");
  Calendar calendar;
  std::deque<int64_t> queuedMs;
  timed([&] {
    Outcome outcome;
    uint64_t arrivals = 0;
    uint32_t arrived = 0, started = 0;
    bool busy = false;
    calendar.push({arrival.exponential(0, 1250), arrivals++ << 24 | 0});
    while (!calendar.empty()) {
      const Event event = calendar.top();
      calendar.pop();
      outcome.events++;
      outcome.clockMs = event.atMs;
      if ((event.order & 0xffffff) == 0) {
        queuedMs.push_back(event.atMs);
        if (++arrived < customers)
          calendar.push({event.atMs + arrival.exponential(arrived, 1250), arrivals++ << 24 | 0});
      } else {
        busy = false;
      }
      if (busy || queuedMs.empty()) continue;
      busy = true;
      outcome.sum += static_cast<double>(event.atMs - queuedMs.front());
      queuedMs.pop_front();
      calendar.push({event.atMs + service.exponential(started++, 1000), arrivals++ << 24 | 1});
    }
    return outcome;
  });
}
