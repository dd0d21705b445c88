#include "precomputed.hpp"

#include <algorithm>
#include <cmath>

#include "panels.hpp"
#include "rows.hpp"

namespace mmkernels::cpu {
namespace {

// The distance between neighbouring values near 1.
double spacing(Type type) {
  switch (type) {
    case Type::float16: return 0x1p-10;
    case Type::bfloat16: return 0x1p-7;
    case Type::float32: return 0x1p-23;
    default: return 0x1p-52;
  }
}

// How far K_ij and K_ji may be apart, as a share of the largest value: as products of two matrices
// summed in a different order are, a few thousand roundings, or a few where a half-precision value
// is rounded once from something wider.
double symmetry_tolerance(Type type) {
  return spacing(type) * (type == Type::float16 || type == Type::bfloat16 ? 4 : 4096);
}

struct Range {
  int64_t first, size;
};
Range rows_of(int64_t panel, int64_t n) {
  return {panel * kPanel, std::min<int64_t>(kPanel, n - panel * kPanel)};
}

// block[r][c], 32 values a row, of the rows and columns given.
void read_block(const ArrayView& view, Range rows, Range columns, double* block) {
  ArrayView part = view;
  part.data += columns.first * view.column_stride;
  part.columns = columns.size;
  for (int64_t r = 0; r < rows.size; ++r) read_row(part, rows.first + r, block + r * kPanel);
}

// What the rows of one panel look like.
struct PanelReport {
  int64_t nonfinite = -1;
  double largest = 0, apart = 0;     // |K_ij|, |K_ij - K_ji|
  int64_t row = -1, column = -1;     // where they are furthest apart
  double squares = 0;                // off the diagonal, of K_ij / (largest of its row)
};

}  // namespace

PrecomputedMatrix::PrecomputedMatrix(const ArrayView& array, const Call& call) : view(array) {
  inspect(call);
  if (usable()) measure_centred(call);
}

void PrecomputedMatrix::inspect(const Call& call) {
  const int64_t n = view.rows, panels = panel_count(n);
  terms_.assign(n, 0.0);
  std::vector<PanelReport> reports(panels);
  std::vector<double> squares(n, 0.0), largest(n, 0.0);
  parallel_for(panels, call, [&](int64_t i, int) {
    PanelReport& report = reports[i];
    const Range rows = rows_of(i, n);
    double block[kTile], mirror[kTile];
    for (int64_t j = 0; j < panels; ++j) {
      const Range columns = rows_of(j, n);
      read_block(view, rows, columns, block);
      if (j >= i) read_block(view, columns, rows, mirror);
      for (int64_t r = 0; r < rows.size; ++r) {
        const int64_t row = rows.first + r;
        for (int64_t c = 0; c < columns.size; ++c) {
          const double value = block[r * kPanel + c];
          if (!std::isfinite(value) && (report.nonfinite < 0 || row < report.nonfinite))
            report.nonfinite = row;
          terms_[row] += value;
          largest[row] = std::max(largest[row], std::abs(value));
          // Values beyond 1e150 are refused below, whatever their squares here.
          if (columns.first + c != row) squares[row] += value * value;
          const double apart = j < i ? 0 : std::abs(value - mirror[c * kPanel + r]);
          if (apart > report.apart) {
            report.apart = apart;
            report.row = row;
            report.column = columns.first + c;
          }
        }
      }
    }
  });
  double greatest = 0, square = 0, total = 0;
  const PanelReport* worst = &reports[0];
  for (const PanelReport& report : reports) {
    if (first_nonfinite < 0) first_nonfinite = report.nonfinite;
    if (report.apart > worst->apart) worst = &report;
  }
  for (int64_t i = 0; i < n; ++i) {
    greatest = std::max(greatest, largest[i]);
    square += squares[i];
    total += terms_[i] / static_cast<double>(n);
  }
  overflows = first_nonfinite < 0 && !(greatest < 1e150);
  if (first_nonfinite >= 0 || overflows) return;
  if (worst->apart > symmetry_tolerance(view.type) * greatest) {
    asymmetric_row = worst->row;
    asymmetric_column = worst->column;
  }
  const double pairs = static_cast<double>(n) * static_cast<double>(std::max<int64_t>(n - 1, 1));
  rounding = 4 * spacing(view.type) * std::sqrt(square / pairs);
  for (double& term : terms_)
    term = term / static_cast<double>(n) - total / static_cast<double>(n) / 2;
}

void PrecomputedMatrix::read_centred(int64_t i, int64_t j, double* block) const {
  const Range rows = rows_of(i, view.rows), columns = rows_of(j, view.rows);
  if (i <= j) {
    read_block(view, rows, columns, block);
    for (int64_t r = 0; i == j && r < rows.size; ++r)
      for (int64_t c = 0; c < r; ++c) block[r * kPanel + c] = block[c * kPanel + r];
  } else {
    double mirror[kTile];
    read_block(view, columns, rows, mirror);
    for (int64_t r = 0; r < rows.size; ++r)
      for (int64_t c = 0; c < columns.size; ++c) block[r * kPanel + c] = mirror[c * kPanel + r];
  }
  for (int64_t r = 0; r < rows.size; ++r)
    for (int64_t c = 0; c < columns.size; ++c)
      block[r * kPanel + c] -= terms_[rows.first + r] + terms_[columns.first + c];
}

void PrecomputedMatrix::measure_centred(const Call& call) {
  const int64_t n = view.rows, panels = panel_count(n);
  diagonal_.assign(n, 0.0);
  std::vector<double> largest(panels, 0.0);
  parallel_for(panels, call, [&](int64_t i, int) {
    double block[kTile];
    const Range rows = rows_of(i, n);
    for (int64_t j = i; j < panels; ++j) {
      const Range columns = rows_of(j, n);
      read_centred(i, j, block);
      for (int64_t r = 0; r < rows.size; ++r)
        for (int64_t c = 0; c < columns.size; ++c)
          largest[i] = std::max(largest[i], std::abs(block[r * kPanel + c]));
      if (i != j) continue;
      for (int64_t r = 0; r < rows.size; ++r) diagonal_[rows.first + r] = block[r * kPanel + r];
    }
  });
  const double greatest = *std::max_element(largest.begin(), largest.end());
  if (greatest > 0) scale = std::exp2(std::min(-std::ceil(std::log2(greatest)), 1023.0));
  for (double& value : diagonal_) value *= scale;
  rounding *= scale;
}

void PrecomputedMatrix::read_tile(int64_t i, int64_t j, float* tile) const {
  double block[kTile] = {};
  read_centred(i, j, block);
  for (int k = 0; k < kTile; ++k) tile[k] = static_cast<float>(block[k] * scale);
}

void PrecomputedMatrix::read_wide_tile(int64_t i, int64_t j, double* tile) const {
  read_centred(i, j, tile);
  for (int k = 0; k < kTile; ++k) tile[k] *= scale;
}

}  // namespace mmkernels::cpu
