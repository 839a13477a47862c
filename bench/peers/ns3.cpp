// ns-3: its Simulator with the scheduler it starts with (a std::map), one callback an event.
#include <ns3/core-module.h>
#include <deque>
#include "work.hpp"

using ns3::MilliSeconds;
using ns3::Simulator;

static Outcome outcome;
static uint32_t weights = 0;

static void comesDue(uint32_t id) {
  const int64_t nowMs = Simulator::Now().GetMilliSeconds();
  outcome.events++;
  outcome.clockMs = nowMs;
  weights += weighed(nowMs, id);
  Simulator::Schedule(MilliSeconds(gapOf(id)), &comesDue, id);
}

void hold(uint32_t pending, int64_t untilMs) {
  readyRows(pending);
  for (uint32_t id = 0; id < pending; id++) Simulator::Schedule(MilliSeconds(gapOf(id)), &comesDue, id);
  Simulator::Stop(MilliSeconds(untilMs) + ns3::NanoSeconds(1));
  timed([] {
    Simulator::Run();
    outcome.sum = weights;
    return outcome;
  });
}

static uint32_t expected = 0, arrived = 0, started = 0;
static bool busy = false;
static std::deque<int64_t> queuedMs;

static void leave();

static void happens() {
  outcome.events++;
  outcome.clockMs = Simulator::Now().GetMilliSeconds();
}

static void serve() {
  if (busy || queuedMs.empty()) return;
  busy = true;
  outcome.sum += static_cast<double>(outcome.clockMs - queuedMs.front());
  queuedMs.pop_front();
  Simulator::Schedule(MilliSeconds(gapsMs[2 * started++ + 1]), &leave);
}

static void arrive() {
  happens();
  queuedMs.push_back(outcome.clockMs);
  if (++arrived < expected) Simulator::Schedule(MilliSeconds(gapsMs[2 * arrived]), &arrive);
  serve();
}

static void leave() {
  happens();
  busy = false;
  serve();
}

void station(uint32_t customers) {
  expected = customers;
  Simulator::Schedule(MilliSeconds(gapsMs[0]), &arrive);
  timed([] {
    Simulator::Run();
    return outcome;
  });
}
