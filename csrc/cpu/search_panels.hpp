// What a search multiplies: all coordinates or the leading ones, in the precision that pays.
#pragma once

#include "features.hpp"
#include "knn.hpp"
#include "panels.hpp"

namespace mmkernels::cpu {

struct SearchPanels {
  Panels candidates;
  Panels queries;  // empty where the candidates are the queries
  // Of the candidates, where they look for each other: rows that are alike along the leading
  // directions stand near each other.
  Order order;
};

// Rows may be packed as a prefix: their coordinates along some leading directions, and one more
// that holds the norm of all the others, so that a product of two rows is an upper bound of the
// true one. MMKERNELS_PREFIX=off packs all coordinates always.
SearchPanels pack_for_search(const Features& candidates, const Features* queries, Metric metric,
                             int64_t k, const Call& call);

}  // namespace mmkernels::cpu
