#include "neighbor_searches.hpp"
#include "shim/fibers.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using namespace mmkernels::testing;

namespace {

struct Matrix64 {
  int64_t rows, columns;
  std::vector<double> values;
  Matrix64(int64_t of_rows, int64_t of_columns)
      : rows(of_rows), columns(of_columns), values(of_rows * of_columns) {}
  double& at(int64_t row, int64_t column) { return values[row * columns + column]; }
  ArrayView view() const {
    return {reinterpret_cast<const char*>(values.data()), rows, columns, columns * 8, 8,
            Type::float64};
  }
};

// As many neighbours as there are candidates: each of them once.
void check_all_are_found(const Matrix64& x, const Matrix64& queries, Metric metric, Path path) {
  const int k = static_cast<int>(x.rows);
  NeighborCall plan{};
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_neighbor_call(x.view(), queries.view(), metric, k, path, workspace);
  });
  std::vector<int64_t> indices(queries.rows * k, -7);
  std::vector<double> scores(queries.rows * k, -7);
  find_neighbors(plan, indices.data(), scores.data(), nullptr);
  for (int64_t i = 0; i < queries.rows; ++i) {
    std::vector<int64_t> found(indices.begin() + i * k, indices.begin() + (i + 1) * k);
    std::sort(found.begin(), found.end());
    for (int r = 0; r < k; ++r) {
      CHECK(found[r] == r, i, r, found[r]);
      CHECK(r == 0 || scores[i * k + r - 1] >= scores[i * k + r], i, r, scores[i * k + r]);
    }
  }
}

// Another one for each schedule that the tests run with.
Metric metric_of_seed() {
  constexpr Metric metrics[] = {Metric::cosine, Metric::inner_product, Metric::euclidean};
  return metrics[shim::control().seed % 3];
}

}  // namespace

TEST_OF_EACH_PATH(neighbors_of_awkward_sizes) {
  for (auto [rows, columns, k] : {std::tuple<int64_t, int64_t, int>{2, 1, 1},
                                  {5, 3, 4},
                                  {128, 32, 127},
                                  {129, 33, 10},
                                  {390, 65, 32}})
    check_neighbors(testing::normal(rows, columns, 5), nullptr, metric_of_seed(), k, path,
                    "normal");
}

TEST_OF_EACH_PATH(neighbors_of_queries) {
  const Matrix x = testing::normal(260, 20, 1, 3), queries = testing::normal(20, 20, 2, 3);
  check_neighbors(x, &queries, metric_of_seed(), 7, path, "queries");
  check_neighbors(queries, &x, metric_of_seed(), 20, path, "queries, all candidates");
}

TEST_OF_EACH_PATH(no_queries_have_no_neighbors) {
  const Matrix x = testing::normal(5, 3), none(0, 3);
  CHECK(search(x, &none, Metric::cosine, 2, path).indices.empty());
}

TEST_OF_EACH_PATH(queries_incomparably_longer_than_candidates) {
  Matrix x = testing::normal(200, 9), queries = testing::normal(10, 9, 4);
  for (float& value : x.values) value *= 1e-20f;
  for (int64_t c = 0; c < 9; ++c) queries.at(3, c) *= 1e15f;
  check_neighbors(x, &queries, metric_of_seed(), 5, path, "long queries");
}

// So few candidates that lists have room for all of them, and for the rows that pad them.
TEST_OF_EACH_PATH(errors_beyond_float32_let_every_candidate_in_but_no_padding) {
  for (double query_scale : {1e60, 1e100}) {
    Matrix64 x(5, 3), queries(2, 3);
    for (int64_t i = 0; i < 5; ++i)
      for (int64_t c = 0; c < 3; ++c) x.at(i, c) = 1e-100 * static_cast<double>((i * 3 + c * 5) % 7);
    for (int64_t c = 0; c < 3; ++c) {
      queries.at(0, c) = query_scale * static_cast<double>(c - 1);
      queries.at(1, c) = 1e-100 * static_cast<double>(c);
    }
    check_all_are_found(x, queries, Metric::inner_product, path);
    check_all_are_found(x, queries, Metric::euclidean, path);
  }
  // Rows far longer than what they differ by.
  Matrix64 far(5, 2);
  for (int64_t i = 0; i < 5; ++i) {
    far.at(i, 0) = 1e149;
    far.at(i, 1) = 1e-200 * static_cast<double>(i + 1);
  }
  check_all_are_found(far, far, Metric::inner_product, path);
  check_all_are_found(far, far, Metric::euclidean, path);
}

// A bound times nothing is still no number where the bound is infinite.
TEST_OF_EACH_PATH(candidates_at_the_centre_are_found_by_queries_incomparably_longer) {
  Matrix64 x(128, 2), queries(1, 2);
  for (int64_t i = 0; i < 128; ++i) x.at(i, 1) = -0x1p-330;
  for (int64_t i : {1, 2, 3, 4}) x.at(i, 1) = 30 * 0x1p-330;
  for (int64_t i : {10, 50, 60, 70}) x.at(i, 1) = 0;
  queries.at(0, 1) = 0x1p330;
  NeighborCall plan{};
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_neighbor_call(x.view(), queries.view(), Metric::inner_product, 5, path, workspace);
  });
  std::vector<int64_t> indices(5, -7);
  std::vector<double> scores(5, -7);
  find_neighbors(plan, indices.data(), scores.data(), nullptr);
  CHECK((indices == std::vector<int64_t>{1, 2, 3, 4, 10}), indices[0], indices[4]);
}

TEST_OF_EACH_PATH(neighbors_far_from_the_origin_and_at_every_scale) {
  for (float offset : {100.0f, 1e4f}) {
    const Matrix x = testing::normal(200, 16, 6, offset);
    check_neighbors(x, nullptr, metric_of_seed(), 5, path, "offset");
  }
  for (float scale : {1e-30f, 1e15f}) {
    Matrix x = testing::normal(150, 16, 7);
    for (float& value : x.values) value *= scale;
    check_neighbors(x, nullptr, metric_of_seed(), 5, path, "scale");
  }
}

// Below 2^-1024 the reciprocal of a norm is infinite, and the norm has fewer digits.
TEST_OF_EACH_PATH(directions_of_rows_that_are_subnormal) {
  const Matrix directions = testing::normal(60, 6, 12);
  Matrix64 tiny(60, 6), plain(60, 6);
  for (int64_t i = 0; i < 60; ++i)
    for (int64_t c = 0; c < 6; ++c) {
      // Of few digits, which subnormal numbers keep.
      plain.at(i, c) = std::round(64 * directions.at(i, c));
      tiny.at(i, c) = plain.at(i, c) * (i % 3 ? 0x1p-1040 : 0x1p900);
    }
  const auto search = [&](const Matrix64& x) {
    NeighborCall plan{};
    testing::Memory memory([&](Workspace& workspace) {
      plan = take_neighbor_call(x.view(), std::nullopt, Metric::cosine, 5, path, workspace);
    });
    std::pair<std::vector<int64_t>, std::vector<double>> found;
    found.first.assign(60 * 5, -7);
    found.second.assign(60 * 5, -7);
    find_neighbors(plan, found.first.data(), found.second.data(), nullptr);
    return found;
  };
  const auto found = search(tiny), wanted = search(plain);
  CHECK(found.first == wanted.first);
  for (size_t i = 0; i < wanted.second.size(); ++i)
    CHECK_NEAR(found.second[i], wanted.second[i], 1e-11, i);
}

TEST_OF_EACH_PATH(near_duplicates_overflow_their_lists_and_are_searched_by_themselves) {
  // Differences that float16 does not see, and far more of them than a list has room for.
  Matrix x = testing::normal(280, 24, 8);
  for (int64_t i = 0; i < 270; ++i)
    for (int64_t c = 0; c < 24; ++c) x.at(i, c) = x.at(0, c) * (1 + 1e-6f * x.at(i, c));
  CHECK(search(x, nullptr, Metric::euclidean, 4, path).overflowed > 0);
  check_neighbors(x, nullptr, Metric::euclidean, 4, path, "near duplicates");
}

TEST_OF_EACH_PATH(ties_go_to_the_lower_index) {
  Matrix x(180, 3);
  for (int64_t i = 0; i < 180; ++i)
    for (int64_t c = 0; c < 3; ++c) x.at(i, c) = static_cast<float>(1 + (i * 7 + c) % 3);
  check_neighbors(x, nullptr, Metric::cosine, 20, path, "ties");
  for (float& value : x.values) value = 2;
  const Found found = search(x, nullptr, Metric::cosine, 3, path);
  for (int64_t i = 0; i < 180; ++i)
    for (int r = 0; r < 3; ++r) CHECK(found.indices[i * 3 + r] == (r < i ? r : r + 1), i, r);
}

TEST_OF_EACH_PATH(heavy_tails) {
  Matrix x = testing::normal(200, 12, 9);
  for (int64_t i = 0; i < 200; ++i)
    for (int64_t c = 0; c < 12; ++c) x.at(i, c) *= std::exp(static_cast<float>(i % 37) - 18);
  check_neighbors(x, nullptr, metric_of_seed(), 6, path, "heavy tails");
}

TEST_OF_EACH_PATH(unusable_rows_give_nothing) {
  Matrix x = testing::normal(130, 4);
  x.at(129, 3) = NAN;
  const Found found = search(x, nullptr, Metric::euclidean, 2, path);
  for (int64_t index : found.indices) CHECK(index == -1);
  for (double score : found.scores) CHECK(std::isnan(score));
}

TEST_OF_EACH_PATH(neighbors_are_the_same_bits_for_any_schedule) {
  const Matrix x = testing::normal(300, 40, 10);
  const uint64_t seed = shim::control().seed;
  const Found once = search(x, nullptr, Metric::cosine, 9, path);
  shim::control().seed = seed + 17;
  const Found again = search(x, nullptr, Metric::cosine, 9, path);
  CHECK(once.indices == again.indices && once.scores == again.scores);
}
