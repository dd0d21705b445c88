// Exact nearest neighbours: float32 tiles choose candidates, float64 decides.
#pragma once

#include <cstdint>

#include "features.hpp"

namespace mmkernels::cpu {

enum class Metric { cosine, inner_product, euclidean };

// For every row of `queries` (null: of `candidates` itself, a row not being its own neighbour)
// the k best candidates, by similarity descending, then index ascending. The similarity is the
// cosine, the inner product, or minus the squared distance, in float64 of the values as given.
// indices and scores hold (queries, k) values. With null for scores only the sets are wanted: the
// indices of a row then ascend, and float64 is asked only where float32 cannot tell.
void knn(const Features& candidates, const Features* queries, Metric metric, int64_t k,
         int64_t* indices, double* scores, const Call& call);

}  // namespace mmkernels::cpu
