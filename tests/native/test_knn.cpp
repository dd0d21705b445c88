#include <algorithm>

#include "check.hpp"
#include "cpu/prefix.hpp"
#include "operations.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

constexpr Metric kMetrics[] = {Metric::cosine, Metric::inner_product, Metric::euclidean};
const Call kCall{2, {}};

struct Shape {
  int64_t n, d;
};
// Every size and every width is met; the largest are wide enough for low precision.
constexpr Shape kShapes[] = {{2, 1}, {2, 300}, {3, 2},     {4, 17},  {5, 64},    {31, 129},
                             {32, 1}, {33, 300}, {127, 17}, {129, 64}, {129, 300}, {500, 2}};

void check_own(const Stored& stored, Metric metric, int64_t k, bool exact, const char* name) {
  const Features features(stored.view(), metric == Metric::cosine, Centre::robust, kCall);
  const Neighbors found = neighbors(features, nullptr, metric, k, kCall);
  const std::string wrong = mistake(found, stored.values(), stored.values(), metric, true, exact);
  CHECK(wrong.empty(), wrong, name, "n", stored.values().rows, "d", stored.values().columns, "k", k,
        "metric", static_cast<int>(metric));
}

}  // namespace

TEST(knn_of_every_size) {
  for (const auto [n, d] : kShapes)
    for (const Metric metric : kMetrics)
      for (const int64_t k : {int64_t{1}, std::min<int64_t>(10, n - 1), n - 1})
        check_own(Stored(gaussian(n, d, n + d), Type::float32), metric, k, false, "gaussian");
}

TEST(knn_of_hostile_data) {
  for (const NamedFactory& data : kAwkward)
    for (const Metric metric : kMetrics) {
      const bool whole = data.make == integers;
      const Stored stored(data.make(200, 64, 7), Type::float32);
      for (const int64_t k : {2, 40})
        check_own(stored, metric, k, whole && metric != Metric::cosine, data.name);
    }
}

TEST(knn_of_wide_rows_in_low_precision) {
  for (const Factory make : {gaussian, offset, hubs})
    check_own(Stored(make(500, 129, 5), Type::float32), Metric::cosine, 5, false, "wide");
}

TEST(knn_by_leading_directions) {
  const Matrix& rows = many_rows().values();
  const Features features(many_rows().view(), false, Centre::robust, kCall);
  for (const bool bfloat16 : {false, true})
    CHECK(choose_prefix(features, rows.rows, Metric::euclidean, 5, bfloat16, kCall) != nullptr);
  const std::string wrong =
      mistake(search_many_rows(kCall), rows, rows, Metric::euclidean, true, false, 13);
  CHECK(wrong.empty(), wrong);
}

TEST(knn_of_every_storage) {
  for (const Type type : {Type::float16, Type::bfloat16, Type::float32, Type::float64, Type::int8})
    for (const Layout layout : {Layout::contiguous, Layout::padded, Layout::reversed,
                                Layout::transposed, Layout::unaligned}) {
      Matrix rows = gaussian(70, 33, 11);
      for (double& value : rows.values) value *= 20;
      const Stored stored(rows, type, layout);
      for (const Metric metric : kMetrics) check_own(stored, metric, 5, false, "gaussian");
    }
}

TEST(knn_of_queries) {
  for (const auto& [m, n] : {std::pair<int64_t, int64_t>{1, 1}, {1, 33}, {33, 1}, {100, 257}})
    for (const Metric metric : kMetrics) {
      const Stored candidates(gaussian(n, 40, 1), Type::float32);
      const Stored queries(hubs(m, 40, 2), Type::float64, Layout::reversed);
      const Features frame(candidates.view(), metric == Metric::cosine, Centre::robust, kCall);
      const Features rows(queries.view(), frame, kCall);
      for (const int64_t k : {int64_t{1}, std::min<int64_t>(10, n), n}) {
        const Neighbors found = neighbors(frame, &rows, metric, k, kCall);
        const std::string wrong =
            mistake(found, queries.values(), candidates.values(), metric, false, false);
        CHECK(wrong.empty(), wrong, "queries", m, "candidates", n, "k", k);
      }
    }
}

// A comparison that passes everything would pass the library too.
TEST(knn_mistakes_are_found) {
  const Matrix rows = integers(40, 3, 3);  // 40 of 343 points: some occur twice
  const Stored stored(rows, Type::float32);
  const Features features(stored.view(), false, Centre::robust, kCall);
  const Neighbors right = neighbors(features, nullptr, Metric::euclidean, 8, kCall);
  const auto found = [&](const Neighbors& lists, bool exact) {
    return !mistake(lists, rows, rows, Metric::euclidean, true, exact).empty();
  };
  CHECK(!found(right, true) && !found(right, false));
  Neighbors wrong = right;
  wrong.indices[0] = 0;
  CHECK(found(wrong, false), "its own neighbour");
  wrong = right;
  wrong.indices[9] = wrong.indices[8];
  CHECK(found(wrong, false), "listed twice");
  wrong = right;
  wrong.scores[17] += 1e-9;
  CHECK(found(wrong, false), "not its score");
  wrong = right;
  std::swap(wrong.indices[0], wrong.indices[7]);
  std::swap(wrong.scores[0], wrong.scores[7]);
  CHECK(found(wrong, false), "out of order");
  int swapped = 0;
  for (size_t i = 1; i < right.scores.size(); ++i) {
    if (i % 8 == 0 || right.scores[i] != right.scores[i - 1]) continue;
    wrong = right;
    std::swap(wrong.indices[i], wrong.indices[i - 1]);
    CHECK(found(wrong, true) && found(wrong, false), "equals out of order");
    ++swapped;
  }
  CHECK(swapped > 20, swapped);
  const Neighbors more = neighbors(features, nullptr, Metric::euclidean, 20, kCall);
  wrong = right;
  for (int row = 0; row < 40; ++row) {
    wrong.indices[row * 8 + 7] = more.indices[row * 20 + 19];
    wrong.scores[row * 8 + 7] = more.scores[row * 20 + 19];
  }
  CHECK(found(wrong, false), "a better one left out");
}
