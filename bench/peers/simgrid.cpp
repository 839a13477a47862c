// SimGrid: timers of its kernel, a callback each.
#include <simgrid/kernel/Timer.hpp>
#include <simgrid/s4u.hpp>
#include <deque>
#include "work.hpp"

using simgrid::kernel::timer::Timer;
using simgrid::s4u::Engine;

static Outcome outcome;
static uint32_t weights = 0;

// A second of SimGrid is a millisecond of ours: whole numbers stay exact.
static int64_t now() { return static_cast<int64_t>(Engine::get_clock()); }

static void comesDue(uint32_t id) {
  const int64_t nowMs = now();
  outcome.events++;
  outcome.clockMs = nowMs;
  weights += weighed(nowMs, id);
  Timer::set(static_cast<double>(nowMs + gapOf(id)), [id] { comesDue(id); });
}

// An engine runs only with a platform, if an empty one.
static Engine& engine() {
  static int count = 1;
  static char name[] = "simgrid";
  static char* arguments[] = {name, nullptr};
  static Engine* engine = nullptr;
  if (engine == nullptr) {
    engine = new Engine(&count, arguments);
    simgrid::s4u::create_full_zone("zone")->seal();
  }
  return *engine;
}

void hold(uint32_t pending, int64_t untilMs) {
  engine();
  readyRows(pending);
  for (uint32_t id = 0; id < pending; id++)
    Timer::set(static_cast<double>(gapOf(id)), [id] { comesDue(id); });
  timed([untilMs] {
    engine().run_until(static_cast<double>(untilMs) + 0.5);
    outcome.sum = weights;
    return outcome;
  });
  std::fflush(stdout);
  std::_Exit(0); // SimGrid 3.32 crashes when it is left while timers wait
}

static uint32_t expected = 0, arrived = 0, started = 0;
static bool busy = false;
static std::deque<int64_t> queuedMs;

static void leave();

static void happens() {
  outcome.events++;
  outcome.clockMs = now();
}

static void serve() {
  if (busy || queuedMs.empty()) return;
  busy = true;
  outcome.sum += static_cast<double>(outcome.clockMs - queuedMs.front());
  queuedMs.pop_front();
  Timer::set(static_cast<double>(outcome.clockMs + gapsMs[2 * started++ + 1]), [] { leave(); });
}

static void arrive() {
  happens();
  queuedMs.push_back(outcome.clockMs);
  if (++arrived < expected) Timer::set(static_cast<double>(outcome.clockMs + gapsMs[2 * arrived]), [] { arrive(); });
  serve();
}

static void leave() {
  happens();
  busy = false;
  serve();
}

void station(uint32_t customers) {
  engine();
  expected = customers;
  Timer::set(static_cast<double>(gapsMs[0]), [] { arrive(); });
  timed([] {
    engine().run();
    return outcome;
  });
}
