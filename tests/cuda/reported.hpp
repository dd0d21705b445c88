// That the shim reports what hardware leaves undefined.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

#include "check.hpp"

namespace mmkernels::testing {

// What `run` throws says these words.
inline void check_reported(const char* words, const std::function<void()>& run) {
  std::string said = "nothing";
  try {
    run();
  } catch (const std::exception& error) {
    said = error.what();
  }
  CHECK(said.find(words) != std::string::npos, words, said);
}

}  // namespace mmkernels::testing
