// Whether two sets of embeddings give a sample the same cosines to its neighbours in either.
#pragma once

#include <cstdint>

#include "features.hpp"
#include "thread_pool.hpp"

namespace mmkernels::cpu {

struct SecondOrder {
  double sum = 0;  // over rows, NaN where a row has no value
  // The first row whose cosines are all 0; -1: none.
  int64_t first_orthogonal_x = -1, first_orthogonal_y = -1;
};

// x, y: unit features of n samples. in_x, in_y: (n, k) neighbours, rows of them. For every row the
// cosine between the vectors of its cosines, in x and in y, to all that are in either list.
SecondOrder second_order_cosines(const Features& x, const Features& y, const int64_t* in_x,
                                 const int64_t* in_y, int64_t k, const Call& call);

}  // namespace mmkernels::cpu
