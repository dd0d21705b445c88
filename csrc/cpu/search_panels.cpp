#include "search_panels.hpp"

#include "prefix.hpp"

namespace mmkernels::cpu {
namespace {

// Bfloat16 products are twice as fast, but leave more candidates to score again: about 25 of 20,000
// for k = 10, and more than they save where k is a large share of n.
bool bfloat16_pays(int64_t n, int64_t k, int64_t depth) {
  return tile_kernels().multiply_bfloat16 && depth >= 32 && k <= n / 100;
}

}  // namespace

SearchPanels pack_for_search(const Features& candidates, const Features* queries, Metric metric,
                             int64_t k, const Call& call) {
  const bool low = bfloat16_pays(candidates.view.rows, k, candidates.view.columns);
  const int64_t searches = (queries ? queries : &candidates)->view.rows;
  const auto axes = choose_prefix(candidates, searches, metric, k, low, call);
  if (!axes)
    return {pack_panels(candidates, low, call),
            queries ? pack_panels(*queries, low, call) : Panels{},
            {}};
  SearchPanels panels;
  panels.candidates = pack_prefix(candidates, *axes, low, call, queries ? nullptr : &panels.order);
  if (queries) panels.queries = pack_prefix(*queries, *axes, low, call);
  return panels;
}

}  // namespace mmkernels::cpu
