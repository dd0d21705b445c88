#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "check.hpp"
#include "operations.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

// The thread sanitizer keeps records of all threads, and its own thread, which fork() leaves
// behind: a child of a process with threads may not start any under it.
#ifndef __SANITIZE_THREAD__

namespace {

// Whether two threads work at once: a unit waits for the other one to be begun.
bool has_helpers() {
  std::atomic<int> begun{0};
  std::atomic<bool> met{true};
  parallel_for(2, {2, {}}, [&](int64_t, int) {
    ++begun;
    for (int waits = 0; begun < 2 && met; ++waits) {
      if (waits == 5000) met = false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  return met;
}

// Whether the same bits come out in a child of this process, and in that one's own children.
bool same_in_children(const std::vector<Bits>& wanted, int generations) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(120);  // a child that waits for threads it does not have would wait for ever
    bool same = has_helpers();
    for (size_t i = 0; i < wanted.size(); ++i)
      same = same && all_operations()[i].run({3, {}}) == wanted[i];
    _exit(same && (generations == 1 || same_in_children(wanted, generations - 1)) ? 0 : 1);
  }
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

TEST(fork_after_use) {
  std::vector<Bits> wanted;
  for (const Operation& operation : all_operations()) wanted.push_back(operation.run({3, {}}));
  CHECK(same_in_children(wanted, 2));
  for (size_t i = 0; i < wanted.size(); ++i)
    CHECK(all_operations()[i].run({3, {}}) == wanted[i], all_operations()[i].name);
}

#endif
