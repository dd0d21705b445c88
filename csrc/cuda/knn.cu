#include "knn.hpp"

#include <algorithm>
#include <cmath>

namespace mmkernels::cuda {
namespace {

// Room for the k best, for those that errors do not tell from them, and for those of a round.
int list_capacity(int k) { return (4 * k + 128 + 31) / 32 * 32; }

// Whether a row that has seen `seen` candidates in random order has room for the next `more`: about
// k more / seen of them are better than its limit, and kSigmas standard deviations as a reserve.
bool has_room(const NeighborSearch& search, int64_t seen, int64_t more) {
  constexpr double kSigmas = 7, kUndecided = 24;
  if (seen + more <= search.lists.capacity) return true;
  if (seen <= search.k) return false;
  const double hits = static_cast<double>(search.k) * static_cast<double>(more) / static_cast<double>(seen);
  return search.k + kUndecided + hits + kSigmas * std::sqrt(hits) <= search.lists.capacity;
}

// How far the next round may go: as far as lists have room, at most doubling what was seen, and at
// least one step. seen_at(reach) is what a row has seen when steps before `reach` are done.
template <class SeenAt>
int64_t next_reach(const NeighborSearch& search, int64_t done, int64_t end, SeenAt&& seen_at) {
  const int64_t seen = done ? seen_at(done) : 0;
  int64_t reach = done + 1;
  while (reach < end && has_room(search, seen, seen_at(reach + 1) - seen) &&
         (seen == 0 || seen_at(reach + 1) <= 2 * seen))
    ++reach;
  return reach;
}

}  // namespace

NeighborSearch take_neighbor_search(const ArrayView& candidates,
                                    const std::optional<ArrayView>& queries, Metric metric, int k,
                                    Workspace& workspace) {
  NeighborSearch search{};
  search.metric = metric;
  search.k = k;
  search.among_themselves = !queries;
  const bool unit = metric == Metric::cosine;
  search.candidates = take_features(candidates, unit, Centre::robust, workspace);
  search.candidate_rows = take_neighbor_operand(candidates, true, workspace);
  search.query_rows = search.candidate_rows;
  if (queries) {
    search.queries = take_features(*queries, unit, Centre::robust, workspace);
    search.query_rows = take_neighbor_operand(*queries, false, workspace);
  }
  NeighborLists& lists = search.lists;
  lists.rows = search.query_rows.padded;
  lists.capacity = list_capacity(k);
  lists.entries = workspace.take<Candidate>(lists.rows * lists.capacity);
  lists.counts = workspace.take<int>(lists.rows);
  lists.limits = workspace.take<float>(lists.rows);
  lists.overflowed = workspace.take<int>(lists.rows);
  lists.overflowed_count = workspace.take<int>(1);
  return search;
}

void search_neighbors(const NeighborSearch& search, int64_t* indices, double* scores,
                      Stream stream) {
  const bool euclidean = search.metric == Metric::euclidean;
  measure_features(search.candidates, stream);
  pack_neighbor_operand(search.candidate_rows, search.candidates, search.candidates, euclidean,
                        false, stream);
  if (!search.among_themselves) {
    measure_features(search.queries, search.candidates, stream);
    pack_neighbor_operand(search.query_rows, search.queries, search.candidates, euclidean,
                          true, stream);
  }
  start_lists(search, stream);
  const int64_t blocks = search.candidate_rows.padded / kBlockRows;
  const int64_t end = search.among_themselves ? blocks / 2 + 1 : blocks;
  // Blocks at distances below `reach` are 2 reach - 1 blocks around a row's own.
  const auto seen_at = [&](int64_t reach) {
    return (search.among_themselves ? 2 * reach - 1 : reach) * kBlockRows;
  };
  for (int64_t done = 0; done < end;) {
    const int64_t reach = next_reach(search, done, end, seen_at);
    if (search.among_themselves)
      filter_pairs(search, done, reach, stream);
    else
      filter_queries(search, done, reach, stream);
    cut_lists(search, stream);
    done = reach;
  }
  score_lists(search, indices, scores, stream);
}

}  // namespace mmkernels::cuda
