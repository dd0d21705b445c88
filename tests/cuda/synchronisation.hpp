// Proof that the tests would notice a missing barrier or wait: each is left out in turn, and a body
// that checks its results must then fail, or hang, or crash.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "shim/fibers.hpp"

namespace mmkernels::testing {

// A synchronisation that hardware needs but whose absence no schedule of the shim brings to light:
// all of `function` (its name, or a part of it) in `file`.
struct Excused {
  const char* file;
  const char* function;
  const char* reason;
};

struct Unproven {
  std::vector<shim::Site> sites;  // all that `body` met
  std::vector<std::string> unnoticed;  // not excused, and no seed brings them to light
  std::vector<std::string> needlessly_excused;  // all that is excused does come to light
};

// `body` launches kernels and throws where their results are wrong. It is run in processes of its
// own, as a kernel without a barrier may go anywhere, for every seed until one of them fails.
Unproven leave_out_each_site(const std::function<void()>& body,
                             const std::vector<Excused>& excused = {});

// Whether the test is to do so: once, as it goes through seeds of its own, and not under sanitizers,
// which do not see what is left out any better.
bool is_time_to_leave_out();

// Ends the test unless each site of `body` matters. How many there are.
size_t every_site_matters(const std::function<void()>& body,
                          const std::vector<Excused>& excused = {});

}  // namespace mmkernels::testing
