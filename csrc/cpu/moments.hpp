// Means and products of two long lists, summed in an order that depends on their length alone.
#pragma once

#include <cstdint>

#include "thread_pool.hpp"

namespace mmkernels::cpu {

struct Moments {
  double mean_a, mean_b;
  double aa, ab, bb;  // sums of products of the values less what they are centred by
};

// Centred by the means, or by 0 where `centred` is false. A list whose values are all equal has
// that value as its mean, and centred products of exactly 0.
Moments moments(const double* a, const double* b, int64_t count, bool centred, const Call& call);

}  // namespace mmkernels::cpu
