// What packed rows with a prefix say of scores is true of every pair.
#include "neighbor_operand.cuh"
#include "prefix_searches.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using namespace mmkernels::testing;

namespace {

using Real = long double;

// c_i of a search, in its scale.
std::vector<Real> centred_row(const Matrix& x, const Features& features, int64_t row) {
  Real square = 0;
  for (int64_t c = 0; c < x.columns; ++c) square += Real{x.at(row, c)} * Real{x.at(row, c)};
  const Real length = features.unit ? std::sqrt(square) : 1, scale = scale_of(features, kRange);
  std::vector<Real> centred(x.columns);
  for (int64_t c = 0; c < x.columns; ++c)
    centred[c] = (x.at(row, c) / length - features.centre[c]) * scale;
  return centred;
}

Real dot(const std::vector<Real>& a, const std::vector<Real>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), Real{0});
}

// Of one row: what is outside the directions, and how far the packed coordinates are from its own.
void check_row(const PrefixSearch& with, const std::vector<Real>& row,
               const std::vector<Real>& packed, const RowBounds& bounds, const char* what) {
  const Prefix& prefix = with.plan.search.prefix;
  const int64_t columns = static_cast<int64_t>(row.size());
  Real outside = dot(row, row), away = 0;
  for (int q = 0; q < with.directions(); ++q) {
    const double* axis = prefix.axes + q * columns;
    const Real along = std::inner_product(row.begin(), row.end(), axis, Real{0});
    outside -= along * along;
    away += (along - packed[q]) * (along - packed[q]);
  }
  const Real tail = std::sqrt(std::max(outside, Real{0})), length = std::sqrt(dot(row, row));
  CHECK(bounds.tail >= tail, what, bounds.tail, tail);
  CHECK(bounds.tail <= tail * (1 + 0x1p-10L) + 1e-4L * length, what, bounds.tail, tail);
  CHECK(bounds.error >= std::sqrt(away), what, bounds.error, std::sqrt(away));
  CHECK(packed.back() == bounds.tail, what, bounds.tail);
}

void check_bounds(const Matrix& x, Metric metric, const char* what) {
  PrefixTerms terms = eager_prefix();
  // However many candidates it leaves.
  terms.score_again = 0;
  terms.room = 2000;
  const PrefixSearch with(x, metric, 4, terms);
  CHECK(with.directions() > 0, what);
  const Features& features = with.plan.search.candidates;
  const NeighborOperand& operand = with.plan.search.candidate_rows;
  const int64_t used = with.used_depth();
  std::vector<Real> centre(features.centre, features.centre + x.columns);
  for (Real& value : centre) value *= scale_of(features, kRange);
  std::vector<std::vector<Real>> rows, packed;
  std::vector<Real> biases;
  for (int64_t position = 0; position < x.rows; ++position) {
    rows.push_back(centred_row(x, features, row_at(operand, position)));
    biases.push_back(metric == Metric::euclidean ? -dot(rows.back(), rows.back()) / 2
                                                 : dot(centre, rows.back()));
    packed.emplace_back();
    for (int64_t c = 0; c < used; ++c)
      packed.back().push_back(
          ptx::from_half(with.plan.candidates.values[position * operand.depth + c]));
    check_row(with, rows.back(), packed.back(), operand.bounds[position], what);
  }
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t j = 0; j < i; ++j) {
      const RowBounds &a = operand.bounds[i], &b = operand.bounds[j];
      const Real score = dot(rows[i], rows[j]) + biases[i] + biases[j];
      const Real product = dot(packed[i], packed[j]) + operand.biases[i] + operand.biases[j];
      // The share of sums in float32 is not needed here.
      const float error = score_error(a, b, 0) +
                          0x1p-24f * (std::abs(operand.biases[i]) + std::abs(operand.biases[j]));
      CHECK(score_gap(a, b) >= 2 * Real{a.tail} * b.tail, what, i, j);
      CHECK(score <= product + error, what, i, j, score - product, error);
      CHECK(score >= product - error - score_gap(a, b), what, i, j, score - product, error);
      const Real length = std::sqrt(dot(rows[i], rows[i]) * dot(rows[j], rows[j]));
      CHECK(error <= 0.02 * length + 1e-3 * Real{a.norm} * b.norm, what, i, j, error);
    }
}

}  // namespace

TEST(scores_are_within_the_bounds_of_a_prefix) {
  // Rows that are equal meet the upper end, and opposite ones the lower.
  Matrix x = decaying(260, 64, 21);
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t c = 0; c < x.columns; ++c)
      x.at(i, c) = (i % 4 < 2 ? 1.0f : -1.0f) * x.at(i / 4, c);
  Matrix far = decaying(260, 64, 22);
  for (int64_t i = 0; i < far.rows; ++i)
    for (int64_t c = 0; c < far.columns; ++c)
      far.at(i, c) = 300 + far.at(i, c) * std::exp(static_cast<float>(i % 7));
  for (Metric metric : {Metric::cosine, Metric::inner_product, Metric::euclidean}) {
    check_bounds(x, metric, "equal and opposite");
    check_bounds(far, metric, "far from the origin, of many lengths");
  }
}

TEST(rows_within_the_directions_are_within_the_bounds_of_a_prefix) {
  Matrix x = testing::normal(260, 64, 23);
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t c = 8; c < x.columns; ++c) x.at(i, c) = x.at(i, c % 8);
  check_bounds(x, Metric::inner_product, "8 directions");
}
