// Ranks of long lists, and what Kendall's coefficients are made of.
#pragma once

#include <cstdint>

#include "thread_pool.hpp"

namespace mmkernels::cpu {

// Lists of pairs of samples are long, but a list of 2^32 values would fill 32 GiB.
inline constexpr int64_t kMostRanked = (int64_t{1} << 32) - 1;

// Replaces values without NaN by their ranks, 1 for the smallest, equal values sharing the mean of
// theirs. Returns how many pairs of values are equal. Scratch: 32 bytes per value.
int64_t average_ranks(double* values, int64_t count, const Call& call);

struct KendallCounts {
  int64_t tied_in_both;  // pairs equal in a and equal in b
  int64_t discordant;    // pairs that a and b order differently
};

// a, b: lists that average_ranks has ranked. O(count log count); Knight 1966. Scratch: 24 bytes per
// value.
KendallCounts kendall_counts(const double* a, const double* b, int64_t count, const Call& call);

}  // namespace mmkernels::cpu
