// Hopper's filter of neighbours beside the general one: the same lists, bit for bit, however the
// work is cut. On the shim products are added in the same order by both.
#include <algorithm>
#include <cstring>
#include <string>

#include "knn_filter.hpp"
#include "neighbor_searches.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using namespace mmkernels::testing;

namespace {

using Lists = std::vector<std::vector<Candidate>>;

struct Cut {
  int64_t resident, blocks, strip;
};
constexpr Cut kCuts[] = {{256, 2, 8}, {256, 1, 1}, {0, 2, 1}, {0, 1, 8}};

// Lists that are left when all have met, ordered by position. `used`: of the depth.
Lists lists_of(const Matrix& x, const Matrix* queries, int k, int used,
                                             Path path, const Cut& cut) {
  NeighborCall plan{};
  const std::optional<ArrayView> of_queries =
      queries ? std::optional(queries->view()) : std::nullopt;
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_neighbor_call(x.view(), of_queries, Metric::inner_product, k, path, workspace);
  });
  NeighborSearch& search = plan.search;
  search.tiling.knn_resident = cut.resident;
  search.tiling.knn_blocks = cut.blocks;
  search.tiling.knn_strip = cut.strip;
  measure_features(search.candidates, nullptr);
  pack_neighbor_part(search.candidate_rows, plan.candidates, search.candidates, false, false,
                     nullptr);
  if (queries) {
    measure_features(search.queries, search.candidates, nullptr);
    pack_neighbor_part(search.query_rows, plan.queries, search.candidates, false, true, nullptr);
  }
  *search.candidate_rows.used_depth = *search.query_rows.used_depth = used;
  start_lists(search, nullptr);
  if (queries)
    meet(search, plan.queries, plan.candidates, nullptr);
  else
    meet_itself(search, plan.candidates, nullptr);
  Lists lists;
  for (int64_t row = 0; row < plan.queries.count; ++row) {
    CHECK(search.lists.limits[row] < INFINITY, row, x.rows);
    const Candidate* entries = search.lists.entries + row * search.lists.capacity;
    lists.emplace_back(entries, entries + search.lists.counts[row]);
    std::sort(lists.back().begin(), lists.back().end(),
              [](const Candidate& a, const Candidate& b) { return a.position < b.position; });
  }
  return lists;
}

void check_same(const Lists& found, const Lists& wanted, const char* what) {
  CHECK(found.size() == wanted.size(), what);
  for (size_t row = 0; row < found.size(); ++row) {
    CHECK(found[row].size() == wanted[row].size(), what, row, found[row].size(),
          wanted[row].size());
    for (size_t c = 0; c < found[row].size(); ++c) {
      const Candidate &a = found[row][c], &b = wanted[row][c];
      CHECK(a.position == b.position, what, row, a.position, b.position);
      CHECK(std::memcmp(&a.score, &b.score, sizeof a.score) == 0, what, row, a.score, b.score);
    }
  }
}

void check_same_lists(int64_t rows, int64_t query_rows, int depth, int used, int k) {
  const Matrix x = testing::normal(rows, depth, 3, 1);
  const Matrix queries = testing::normal(query_rows, depth, 4, 1);
  const Matrix* asked = query_rows ? &queries : nullptr;
  const Lists wanted = lists_of(x, asked, k, used, Path::general, kCuts[0]);
  // Two seeds go through all of them.
  for (uint64_t c : {0, 1}) {
    const Cut& cut = kCuts[(2 * shim::control().seed + c) % std::size(kCuts)];
    const std::string what = std::to_string(rows) + " rows, " + std::to_string(query_rows) +
                             " queries, " + std::to_string(used) + " of depth " +
                             std::to_string(depth) + ", resident to " +
                             std::to_string(cut.resident) + ", in clusters of " + std::to_string(cut.blocks);
    check_same(lists_of(x, asked, k, used, Path::hopper, cut), wanted, what.c_str());
  }
}

}  // namespace

// With more neighbours where a last panel of few rows would overflow its lists.
TEST(hopper_lists_the_same_candidates_for_any_number_of_rows) {
  for (auto [rows, k] : {std::pair{2, 1}, {127, 1}, {129, 1}, {256, 1}, {257, 40}, {384, 1},
                         {385, 40}, {600, 3}})
    check_same_lists(rows, 0, 32, 32, k);
}

TEST(hopper_lists_the_same_candidates_for_queries) {
  for (auto [rows, queries] : {std::pair{130, 20}, {20, 257}, {300, 290}})
    check_same_lists(rows, queries, 32, 32, 2);
}

// On both sides of a half step, of a ring of shared memory, and of what may stay there.
TEST(hopper_lists_the_same_candidates_for_any_depth) {
  for (auto [depth, used] : {std::pair{64, 64}, {96, 96}, {256, 256}, {288, 288}, {352, 32}})
    check_same_lists(300, 0, depth, used, 2);
}

TEST(no_synchronisation_of_hoppers_filter_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  // Three panels, so that rings and buffers are used again; of a depth that stays and of one that
  // does not, and that is more than the ring holds.
  const Matrix narrow = testing::normal(520, 96, 3, 1), wide = testing::normal(520, 288, 3, 1);
  const Lists of_narrow = lists_of(narrow, nullptr, 2, 96, Path::general, kCuts[0]);
  const Lists of_wide = lists_of(wide, nullptr, 2, 288, Path::general, kCuts[0]);
  testing::every_site_matters(
      [&] {
        check_same(lists_of(narrow, nullptr, 2, 96, Path::hopper, kCuts[0]), of_narrow, "resident");
        check_same(lists_of(wide, nullptr, 2, 288, Path::hopper, kCuts[0]), of_wide, "passing");
      },
      {{"sm90_knn_filter.cu", "release_edges",
        "on the shim lanes that wait for nothing run after one another, before other warps do"}});
}
