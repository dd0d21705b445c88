// How alike the ranks are that two lists give to the neighbours they have in common.
#pragma once

#include <cstdint>

#include "thread_pool.hpp"

namespace mmkernels::cpu {

// a, b: (n, k) distinct indices per row, best first. The sum over rows of
//   sum over common neighbours, of ranks r and s (from 1), of 2 / ((1 + |r - s|) (r + s))
// over its maximum, the sum of 1 / i for i = 1..common; 0 for rows with nothing in common.
// A row's terms are added from the largest down: the sum is the same for (b, a), and exactly the
// maximum for a list and itself.
double rank_similarities(const int64_t* a, const int64_t* b, int64_t n, int64_t k,
                         const Call& call);

}  // namespace mmkernels::cpu
