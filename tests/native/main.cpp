// Runs the tests whose names contain the first argument; all without one. Exits with 1 where a test
// failed, with 2 where the processor cannot run the instruction set that was asked for.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>

#include "check.hpp"
#include "cpu/tile_kernels.hpp"

using namespace mmkernels;

int main(int count, char** arguments) {
  const char* wanted = count > 1 ? arguments[1] : "";
  int passed = 0, failed = 0;
  try {
    std::printf("instruction set: %s\n", cpu::tile_kernels().name);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
  if (std::strcmp(wanted, "--instruction-set") == 0) return 0;
  for (const testing::Test& test : testing::all_tests()) {
    if (!std::strstr(test.name, wanted)) continue;
    // The name first, so that it is known whose fault it was where the process is ended.
    std::printf("%-58s ", test.name);
    std::fflush(stdout);
    const auto start = std::chrono::steady_clock::now();
    try {
      test.body();
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      std::printf("%6.2f s\n", elapsed.count());
      ++passed;
    } catch (const std::exception& error) {
      std::printf("FAILED\n  %s\n", error.what());
      ++failed;
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed || !passed;
}
