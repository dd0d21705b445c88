// How many neighbours two lists have in common. Features are not looked at again.
#pragma once

#include <cstdint>
#include <vector>

#include "thread_pool.hpp"

namespace mmkernels::cpu {

// lists: arrays of (n, k) indices. For every a in `left`, b in `right` (positions in lists) the
// sum over rows of |list_a(row) intersected with list_b(row)|, row-major (left, right).
std::vector<int64_t> overlap_counts(const std::vector<const int64_t*>& lists, int64_t n, int64_t k,
                                    const std::vector<int>& left, const std::vector<int>& right,
                                    const Call& call);

// How many rows have c neighbours in common, for c = 0..k; the k indices of a row are distinct.
std::vector<int64_t> overlap_histogram(const int64_t* a, const int64_t* b, int64_t n, int64_t k,
                                       const Call& call);

// How many rows i are in `x` of some row of their own in `y`; indices must be rows, below n.
int64_t cycle_count(const int64_t* x, const int64_t* y, int64_t n, int64_t k, const Call& call);

}  // namespace mmkernels::cpu
