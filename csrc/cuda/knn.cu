#include "knn_filter.hpp"

#include <algorithm>
#include <cmath>

#include "../core/tile_schedule.hpp"

namespace mmkernels::cuda {
namespace {

// Room for the k best, for those that errors do not tell from them, and for those of a round; and
// for the first panel that a row meets.
int list_capacity(int k, Path path) {
  return std::max((4 * k + 128 + 31) / 32 * 32, static_cast<int>(panel_rows(path)));
}

// Whether a row that has seen `seen` candidates in random order has room for the next `more`: about
// k more / seen of them are better than its limit, and kSigmas standard deviations as a reserve.
bool has_room(const NeighborSearch& search, int64_t seen, int64_t more) {
  constexpr double kSigmas = 7, kUndecided = 24;
  if (seen + more <= search.lists.capacity) return true;
  if (seen <= search.k) return false;
  const double hits =
      static_cast<double>(search.k) * static_cast<double>(more) / static_cast<double>(seen);
  return search.k + kUndecided + hits + kSigmas * std::sqrt(hits) <= search.lists.capacity;
}

// How far the next round may go: as far as lists have room, at most doubling what was seen, and at
// least one step. seen_at(reach) is what a row has seen when steps before `reach` are done; a
// step has `tiles` tiles, of which a launch takes less than 2^31.
template <class SeenAt>
int64_t next_reach(const NeighborSearch& search, int64_t done, int64_t end, int64_t tiles,
                   SeenAt&& seen_at) {
  const int64_t seen = seen_at(done), most = kMostBlocks / tiles;
  int64_t reach = done + 1;
  while (reach < end && reach - done < most && has_room(search, seen, seen_at(reach + 1) - seen) &&
         (seen == 0 || seen_at(reach + 1) <= 2 * seen))
    ++reach;
  return reach;
}

// Panels [first, last) of a part that is packed.
NeighborPart panels_between(const NeighborSearch& search, const NeighborPart& part, int64_t first,
                            int64_t last) {
  const int64_t panel = panel_rows(search.path);
  NeighborPart some = part;
  some.first += first * panel;
  some.count = std::min(part.count, last * panel) - first * panel;
  some.values += first * panel * search.query_rows.depth;
  return some;
}

void filter_pairs(const NeighborSearch& search, const NeighborPart& part, int64_t nearest,
                  int64_t farthest, Stream stream) {
  const auto filter = search.path == Path::hopper ? hopper::filter_pairs : general::filter_pairs;
  filter(search, part, nearest, farthest, stream);
}

void filter_parts(const NeighborSearch& search, const NeighborPart& rows,
                  const NeighborPart& columns, int64_t nearest, int64_t farthest, Stream stream) {
  const auto filter = search.path == Path::hopper ? hopper::filter_parts : general::filter_parts;
  filter(search, rows, columns, nearest, farthest, stream);
}

// Queries take candidates in rounds; `before` have been seen by them.
void offer(const NeighborSearch& search, const NeighborPart& queries, const NeighborPart& candidates,
           int64_t before, Stream stream) {
  const int64_t end = panels_of(candidates, search.path), panel = panel_rows(search.path);
  const auto seen_at = [&](int64_t reach) { return before + reach * panel; };
  for (int64_t done = 0; done < end;) {
    const int64_t reach = next_reach(search, done, end, panels_of(queries, search.path), seen_at);
    filter_parts(search, queries, candidates, done, reach, stream);
    cut_lists(search, queries, stream);
    done = reach;
  }
}

}  // namespace

NeighborSearch take_neighbor_search(const ArrayView& candidates,
                                    const std::optional<ArrayView>& queries, Metric metric, int k,
                                    bool scattered, Path path, Workspace& workspace,
                                    const PrefixTerms& prefix) {
  NeighborSearch search{};
  search.metric = metric;
  search.k = k;
  search.path = path;
  if (path == Path::hopper) search.tiling = chosen_tiling();
  search.among_themselves = !queries;
  const bool unit = metric == Metric::cosine;
  search.candidates = take_features(candidates, unit, Centre::robust, workspace);
  search.candidate_rows =
      take_neighbor_operand(candidates.rows, candidates.columns, scattered, workspace);
  search.queries = search.candidates;
  search.query_rows = search.candidate_rows;
  if (queries) {
    search.queries = take_features(*queries, unit, Centre::robust, workspace);
    search.query_rows = take_neighbor_operand(queries->rows, queries->columns, false, workspace);
  }
  if (!queries) search.prefix = take_prefix(candidates, prefix, workspace);
  NeighborLists& lists = search.lists;
  lists.rows = search.query_rows.padded;
  lists.capacity = list_capacity(k, path);
  if (search.prefix.terms.allowed) lists.capacity += 4 * k + search.prefix.terms.room;
  lists.entries = workspace.take<Candidate>(lists.rows * lists.capacity);
  lists.counts = workspace.take<int>(lists.rows);
  lists.limits = workspace.take<float>(lists.rows);
  lists.overflowed = workspace.take<int>(lists.rows);
  lists.overflowed_count = workspace.take<int>(1);
  return search;
}

void meet_itself(const NeighborSearch& search, const NeighborPart& part, Stream stream) {
  const int64_t panels = panels_of(part, search.path), panel = panel_rows(search.path);
  const int64_t end = farthest_distance(panels);
  // Panels at distances below `reach` are 2 reach - 1 panels around a row's own.
  const auto seen_at = [&](int64_t reach) {
    return reach ? std::min((2 * reach - 1) * panel, padded_rows(part.count)) : 0;
  };
  const auto reach_after = [&](int64_t done) {
    return next_reach(search, done, end, panels, seen_at);
  };
  int64_t limits_from = 0;
  for (int64_t done = 0, reach = reach_after(0); done < end;) {
    filter_pairs(search, part, done, reach, stream);
    cut_lists(search, part, stream);
    done = reach;
    if (done < end) reach = reach_after(done);
    const int64_t seen = seen_at(done);
    const bool full = seen >= limits_from && seen_at(reach) > search.lists.capacity;
    if (!search.prefix.terms.allowed || (done < end && !full)) continue;
    limit_lists(search, part, stream);
    limits_from = seen * kPrefixLimitGrowth;
  }
}

void meet(const NeighborSearch& search, const NeighborPart& queries, const NeighborPart& candidates,
          Stream stream) {
  if (!search.among_themselves) return offer(search, queries, candidates, candidates.first, stream);
  // Candidates, whose lists grow as well, have met the parts before the queries' own, or perhaps
  // nothing yet; queries have met themselves.
  const int64_t end = panels_of(queries, search.path), panel = panel_rows(search.path);
  const auto seen_at = [&](int64_t reach) { return queries.first + reach * panel; };
  for (int64_t done = 0; done < end;) {
    const int64_t reach = next_reach(search, done, end, 1, seen_at);
    offer(search, panels_between(search, queries, done, reach), candidates, queries.count, stream);
    cut_lists(search, candidates, stream);
    done = reach;
  }
}

NeighborCall take_neighbor_call(const ArrayView& candidates,
                                const std::optional<ArrayView>& queries, Metric metric, int k,
                                Path path, Workspace& workspace, const PrefixTerms& prefix) {
  NeighborCall call{};
  call.search =
      take_neighbor_search(candidates, queries, metric, k, true, path, workspace, prefix);
  call.candidates = take_neighbor_part(call.search.candidates, 0, candidates.rows, workspace);
  call.queries = call.candidates;
  if (queries) call.queries = take_neighbor_part(call.search.queries, 0, queries->rows, workspace);
  const int64_t capacity = call.search.lists.capacity;
  call.exact = workspace.take<double>(std::min(kScoredAtOnce, call.queries.count * capacity));
  return call;
}

void find_neighbors(const NeighborCall& call, int64_t* indices, double* scores, Stream stream) {
  const NeighborSearch& search = call.search;
  const NeighborPart &queries = call.queries, &candidates = call.candidates;
  const bool euclidean = search.metric == Metric::euclidean;
  if (queries.count == 0) return;
  measure_features(search.candidates, stream);
  pack_neighbor_part(search.candidate_rows, candidates, search.candidates, euclidean, false, stream);
  if (!search.among_themselves) {
    measure_features(search.queries, search.candidates, stream);
    pack_neighbor_part(search.query_rows, queries, search.candidates, euclidean, true, stream);
  }
  if (search.prefix.terms.allowed) {
    choose_prefix(search.prefix, search.candidates, search.candidate_rows, euclidean, search.k,
                  search.lists.capacity, stream);
    pack_prefix(search.prefix, search.candidate_rows, candidates, stream);
  }
  start_lists(search, stream);
  if (search.among_themselves)
    meet_itself(search, candidates, stream);
  else
    meet(search, queries, candidates, stream);
  const int64_t at_once = kScoredAtOnce / search.lists.capacity;
  for (int64_t first = 0; first < queries.count; first += at_once) {
    const int64_t count = std::min(at_once, queries.count - first);
    score_lists(search, queries, candidates, first, count, call.exact, stream);
    rank_lists(search, queries, first, count, call.exact, indices, scores, stream);
  }
  collect_overflowed(search, queries, stream);
  search_overflowed(search, queries, candidates, indices, scores, stream);
}

}  // namespace mmkernels::cuda
