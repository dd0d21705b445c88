// Runs the tests whose names contain the first argument; all without one. Every test runs once for
// each seed of the schedule. "i n" after it: every n-th of them, from the i-th on. Under sanitizers,
// which slow them down and whose reports hardly depend on it, fewer seeds are enough. Exits with 1
// where a test failed, or none has such a name.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "check.hpp"
#include "shim/fibers.hpp"

using namespace mmkernels;

#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kSeeds = 2;
#else
constexpr uint64_t kSeeds = 3;
#endif

int main(int count, char** arguments) {
  const char* wanted = count > 1 ? arguments[1] : "";
  const int part = count > 3 ? std::atoi(arguments[2]) : 0;
  const int parts = count > 3 ? std::atoi(arguments[3]) : 1;
  int found = 0, passed = 0, failed = 0;
  for (const testing::Test& test : testing::all_tests()) {
    if (!std::strstr(test.name, wanted) || found++ % parts != part) continue;
    std::printf("%-58s ", test.name);
    std::fflush(stdout);
    const auto start = std::chrono::steady_clock::now();
    try {
      for (uint64_t seed = 0; seed < kSeeds; ++seed) {
        shim::control() = {.seed = seed, .dropped = {}, .sites = {}};
        test.body();
      }
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      std::printf("%6.2f s\n", elapsed.count());
      ++passed;
    } catch (const std::exception& error) {
      std::printf("FAILED (seed %llu)\n  %s\n",
                  static_cast<unsigned long long>(shim::control().seed), error.what());
      ++failed;
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed || !found;
}
