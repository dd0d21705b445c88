#include "arrays.hpp"
#include "check.hpp"
#include "device/ptx.cuh"
#include "split_operands.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::Matrix;

namespace {

// What the parts at (row, at) add up to.
double joined(const SplitOperand& operand, int64_t row, int64_t at) {
  double sum = 0;
  for (int p = 0; p < operand.count; ++p)
    sum += ptx::from_bfloat16(operand.parts[(p * operand.rows + row) * operand.depth + at]);
  return sum;
}

// Both packings of `x`, against the centred values in float64; parts hold 8 bits each.
void check_packing(const Matrix& x, int count, Centre centre) {
  Features features{};
  SplitOperand plain{}, transposed{};
  testing::Memory memory([&](Workspace& workspace) {
    features = take_features(x.view(), false, centre, workspace);
    plain = take_split(features, count, workspace);
    transposed = take_transposed_split(features, count, workspace);
  });
  measure_features(features, nullptr);
  pack_split(features, plain, nullptr);
  pack_transposed_split(features, transposed, nullptr);
  CHECK(plain.rows % 128 == 0 && plain.depth % 32 == 0 && plain.rows >= x.rows);
  CHECK(transposed.rows % 128 == 0 && transposed.depth % 32 == 0 && transposed.depth >= x.rows);
  double largest = 0;
  for (int64_t i = 0; i < x.rows; ++i) largest = std::max(largest, features.centred_norms[i]);
  int exponent = 0;
  std::frexp(largest, &exponent);
  const double scale = largest > 0 ? std::ldexp(1.0, -exponent) : 1;
  const double share = std::ldexp(1.0, -8 * count);
  for (int64_t i = 0; i < plain.rows; ++i)
    for (int64_t c = 0; c < plain.depth; ++c) {
      const bool inside = i < x.rows && c < x.columns;
      const double wanted = inside ? (x.at(i, c) - features.centre[c]) * scale : 0;
      CHECK_NEAR(joined(plain, i, c), wanted, share * std::abs(wanted), i, c, count);
    }
  for (int64_t c = 0; c < transposed.rows; ++c)
    for (int64_t i = 0; i < transposed.depth; ++i) {
      const double wanted =
          i < plain.rows && c < plain.depth ? joined(plain, i, c) : 0;
      CHECK(joined(transposed, c, i) == wanted, i, c);
    }
}

}  // namespace

TEST(split_parts_add_up_to_the_centred_rows) {
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{1, 1}, {3, 33}, {129, 7}, {40, 130}})
    for (int count : {1, 2, 3}) check_packing(testing::normal(rows, columns, 5, 100), count, Centre::mean);
  Matrix tiny = testing::normal(5, 31), constant(4, 2);
  for (float& value : tiny.values) value *= 1e-20f;
  check_packing(tiny, 3, Centre::robust);
  check_packing(constant, 3, Centre::mean);
}

TEST(split_of_unusable_rows_is_zero) {
  Matrix x = testing::normal(6, 40);
  x.at(3, 7) = NAN;
  Features features{};
  SplitOperand plain{}, transposed{};
  testing::Memory memory([&](Workspace& workspace) {
    features = take_features(x.view(), false, Centre::mean, workspace);
    plain = take_split(features, 2, workspace);
    transposed = take_transposed_split(features, 2, workspace);
  });
  measure_features(features, nullptr);
  pack_split(features, plain, nullptr);
  pack_transposed_split(features, transposed, nullptr);
  for (const SplitOperand& operand : {plain, transposed})
    for (int64_t v = 0; v < operand.count * operand.rows * operand.depth; ++v)
      CHECK(operand.parts[v] == 0, v);
}
