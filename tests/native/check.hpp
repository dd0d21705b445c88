// The whole of the test framework: TEST(name) { CHECK(...); }. A failed check ends its test.
#pragma once

#include <cmath>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace mmkernels::testing {

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test>& all_tests() {
  static std::vector<Test> tests;
  return tests;
}

struct Registration {
  Registration(const char* name, void (*body)()) { all_tests().push_back({name, body}); }
};

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The place, what was demanded, and whatever else the check was given to tell the case.
template <class... Details>
[[noreturn]] void fail(const char* file, int line, const char* demand, const Details&... details) {
  std::ostringstream text;
  text.precision(17);
  text << file << ":" << line << ": " << demand;
  ((text << " | " << details), ...);
  throw Failure(text.str());
}

}  // namespace mmkernels::testing

#define TEST(name)                                                                     \
  static void test_##name();                                                           \
  static const ::mmkernels::testing::Registration registration_##name(#name, test_##name); \
  static void test_##name()

#define CHECK(condition, ...)                                                            \
  do {                                                                                   \
    if (!(condition))                                                                    \
      ::mmkernels::testing::fail(__FILE__, __LINE__, #condition __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)

// NaN is near nothing.
#define CHECK_NEAR(found, wanted, tolerance, ...)                                          \
  do {                                                                                     \
    const double found_ = (found), wanted_ = (wanted), tolerance_ = (tolerance);           \
    if (!(std::abs(found_ - wanted_) <= tolerance_))                                       \
      ::mmkernels::testing::fail(__FILE__, __LINE__, #found " near " #wanted, found_, wanted_, \
                                 "allowed", tolerance_ __VA_OPT__(, ) __VA_ARGS__);        \
  } while (false)
