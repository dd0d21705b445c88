// Work shared among threads that belong to this library alone.
//
// A private pool, because a process often holds two OpenMP runtimes already (PyTorch's and
// scikit-learn's), and a third that survives fork() is easier to own than to negotiate.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace mmkernels::cpu {

// Threads a call uses: MMKERNELS_NUM_THREADS, else the processors this process may run on.
// Throws std::invalid_argument when the variable is not a positive number.
int thread_count();
void set_thread_count(int count);

// One call of the library: how many threads it may use, fixed when it starts, and how it learns
// that it is no longer wanted. `poll` runs on the calling thread between units of work and while it
// waits for the others' last, no more often than its interval says, and throws to stop the call.
struct Call {
  int threads = thread_count();
  std::function<void()> poll;
  std::chrono::milliseconds poll_interval{50};  // 0 lets a test stop a call at every point
  // Kept from one parallel_for to the next, of which a call may make many short ones.
  mutable std::chrono::steady_clock::time_point last_poll = std::chrono::steady_clock::now();

  void poll_when_due() const;
};

// body(unit, thread) for every unit in [0, units), thread in [0, call.threads). Units are taken in
// order by whichever thread is free. The first exception stops the rest and is thrown here.
void parallel_for(int64_t units, const Call& call,
                  const std::function<void(int64_t unit, int thread)>& body);

// The same for units that take seconds: each asks now and then whether it is still wanted, and
// returns when it is not.
void parallel_for_long(int64_t units, const Call& call,
                       const std::function<void(int64_t unit, const std::function<bool()>& wanted)>&
                           body);

}  // namespace mmkernels::cpu
