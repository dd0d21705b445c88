#include "neighbor_searches.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using namespace mmkernels::testing;

TEST_OF_EACH_PATH(neighbors_are_the_same_bits_in_parts) {
  Matrix x = testing::normal(400, 12, 11, 2);
  for (int64_t i = 0; i < 270; ++i)  // lists of these overflow
    for (int64_t c = 0; c < 12; ++c) x.at(i, c) = 1 + 1e-7f * static_cast<float>(i % 5);
  const Found whole = search(x, nullptr, Metric::euclidean, 5, path);
  CHECK(whole.overflowed > 0);
  const int64_t part_rows = shim::control().seed % 2 ? 384 : 128;
  const Found found = search_in_parts(x, Metric::euclidean, 5, path, part_rows);
  CHECK(found.indices == whole.indices);
  CHECK(found.scores == whole.scores);
}

TEST(no_synchronisation_of_a_neighbour_search_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  const Matrix x = testing::normal(256, 40, 12);
  testing::every_site_matters([&] {
    check_neighbors(x, nullptr, Metric::cosine, 3, Path::general, "normal");
    // What a bad tile lets through is found out when it is scored, unless lists overflow.
    CHECK(search(x, nullptr, Metric::cosine, 3, Path::general).overflowed == 0);
  });
}

TEST(no_synchronisation_of_a_search_by_itself_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  Matrix x = testing::normal(190, 3, 13);
  for (int64_t i = 0; i < 180; ++i)
    for (int64_t c = 0; c < 3; ++c) x.at(i, c) = x.at(0, c) * (1 + 1e-6f * x.at(i, c));
  const Found whole = search(x, nullptr, Metric::euclidean, 2, Path::general);
  CHECK(whole.overflowed > 0);
  testing::every_site_matters(
      [&] {
        const Found found = search_in_parts(x, Metric::euclidean, 2, Path::general, 128);
        CHECK(found.indices == whole.indices && found.scores == whole.scores);
      },
      {{"neighbor_overflow.cu", "search_part",
        "of two rows after one another, a thread reads and writes the same places"}});
}

TEST_OF_EACH_PATH(lists_have_room_where_parts_meet_before_they_have_met_themselves) {
  const Matrix x = testing::normal(500, 20, 12);
  const int k = 3;
  NeighborSearch plan{};
  std::vector<NeighborPart> parts;
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_neighbor_search(x.view(), std::nullopt, Metric::euclidean, k, false, path, workspace);
    parts.clear();
    for (int64_t first = 0; first < x.rows; first += 256) {
      Features part = plan.candidates;
      part.first_row = first;
      part.view.data += first * part.view.row_stride;
      part.view.rows = std::min<int64_t>(256, x.rows - first);
      parts.push_back(take_neighbor_part(part, first, part.view.rows, workspace));
    }
  });
  measure_features(plan.candidates, nullptr);
  start_lists(plan, nullptr);
  for (const NeighborPart& part : parts)
    pack_neighbor_part(plan.candidate_rows, part, plan.candidates, true, false, nullptr);
  for (size_t a = 0; a < parts.size(); ++a) {
    meet_itself(plan, parts[a], nullptr);
    for (size_t b = a + 1; b < parts.size(); ++b) meet(plan, parts[a], parts[b], nullptr);
  }
  for (const NeighborPart& part : parts) {
    collect_overflowed(plan, part, nullptr);
    CHECK(*plan.lists.overflowed_count == 0, part.first, *plan.lists.overflowed_count);
  }
}
