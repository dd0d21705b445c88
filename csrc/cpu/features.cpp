#include "features.hpp"

#include <algorithm>
#include <cmath>

#include "rows.hpp"

namespace mmkernels::cpu {
namespace {

// Rows per partial sum. Depends on n alone, so that the order of additions does not depend on the
// number of threads; few enough partial sums that they stay small beside the input.
int64_t rows_per_chunk(int64_t rows) { return std::max<int64_t>(128, (rows + 63) / 64); }

double norm_of(const double* row, int64_t n) {
  double sum = tile_kernels().dot_double(row, row, n);
  if (sum > 1e-280 && sum < 1e280) return std::sqrt(sum);
  double largest = 0;
  for (int64_t c = 0; c < n; ++c) largest = std::max(largest, std::abs(row[c]));
  if (largest == 0) return 0;
  sum = 0;
  for (int64_t c = 0; c < n; ++c) sum += (row[c] / largest) * (row[c] / largest);
  return largest * std::sqrt(sum);
}

bool all_finite(const double* row, int64_t n) {
  for (int64_t c = 0; c < n; ++c)
    if (!std::isfinite(row[c])) return false;
  return true;
}

}  // namespace

Features::Features(const ArrayView& array, bool unit_rows, const Poll& poll)
    : view(array), unit(unit_rows) {
  inspect(poll);
  if (!usable()) return;
  measure_centred(poll);
  if (largest_ > 0) scale = std::exp2(-std::ceil(std::log2(largest_)));
  for (double& norm : centred_norms) norm *= scale;
}

Features::Features(const ArrayView& array, const Features& frame, const Poll& poll)
    : view(array), unit(frame.unit) {
  inspect(poll);
  mean = frame.mean;
  if (!usable()) return;
  measure_centred(poll);
  scale = frame.scale;
  for (double& norm : centred_norms) norm *= scale;
  // Packed in float32 in the candidates' scale, larger rows would overflow a product.
  overflows = largest_ * scale > 1e18;
}

bool Features::usable() const {
  return first_nonfinite < 0 && !overflows && !(unit && first_zero >= 0);
}

void Features::read_plain(int64_t row, double* out) const {
  read_row(view, row, out);
  if (!unit) return;
  const double norm = norms[row];
  for (int64_t c = 0; c < view.columns; ++c) out[c] /= norm;
}

void Features::read_centred(int64_t row, double* out) const {
  read_plain(row, out);
  for (int64_t c = 0; c < view.columns; ++c) out[c] = (out[c] - mean[c]) * scale;
}

void Features::inspect(const Poll& poll) {
  const int64_t n = view.rows, d = view.columns;
  norms.assign(n, 0.0);
  mean.assign(d, 0.0);
  // Differences to the first row are averaged, not the rows: a constant feature then has exactly
  // its own value as mean, and a large common offset costs no digits.
  std::vector<double> origin(d);
  if (n) {
    read_row(view, 0, origin.data());
    const double norm = norm_of(origin.data(), d);
    if (unit && norm > 0)
      for (double& value : origin) value /= norm;
  }
  const int64_t chunk = rows_per_chunk(n), chunks = (n + chunk - 1) / chunk;
  std::vector<double> partial(chunks * d, 0.0);
  std::vector<int64_t> bad(chunks, -1);
  std::vector<std::vector<double>> buffers(thread_count());
  parallel_for(chunks, poll, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.resize(d);
    double* sum = partial.data() + index * d;
    for (int64_t i = index * chunk; i < std::min(n, (index + 1) * chunk); ++i) {
      read_row(view, i, row.data());
      const double norm = norm_of(row.data(), d);
      if (!std::isfinite(norm) && bad[index] < 0 && !all_finite(row.data(), d)) bad[index] = i;
      norms[i] = norm;
      if (unit && norm > 0)
        for (int64_t c = 0; c < d; ++c) sum[c] += row[c] / norm - origin[c];
      else
        for (int64_t c = 0; c < d; ++c) sum[c] += row[c] - origin[c];
    }
  });
  for (int64_t index : bad)
    if (index >= 0 && first_nonfinite < 0) first_nonfinite = index;
  for (int64_t i = 0; i < n; ++i)
    if (norms[i] == 0) zero_rows.push_back(i);
  if (!zero_rows.empty()) first_zero = zero_rows.front();
  if (!unit)
    for (double norm : norms) overflows |= !(norm < 1e150);
  for (int64_t index = 0; index < chunks; ++index)
    for (int64_t c = 0; c < d; ++c) mean[c] += partial[index * d + c];
  for (int64_t c = 0; c < d; ++c) mean[c] = origin[c] + mean[c] / static_cast<double>(n);
}

// |x_i - mean|, not yet scaled.
void Features::measure_centred(const Poll& poll) {
  const int64_t n = view.rows, d = view.columns;
  centred_norms.assign(n, 0.0);
  const int64_t chunk = rows_per_chunk(n);
  std::vector<std::vector<double>> buffers(thread_count());
  parallel_for((n + chunk - 1) / chunk, poll, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.resize(d);
    for (int64_t i = index * chunk; i < std::min(n, (index + 1) * chunk); ++i) {
      read_centred(i, row.data());
      centred_norms[i] = norm_of(row.data(), d);
    }
  });
  for (double norm : centred_norms) largest_ = std::max(largest_, norm);
}

const Panels& Features::panels(const Poll& poll) const {
  std::lock_guard lock(packing_);
  if (panels_.data) return panels_;
  const int64_t n = view.rows, d = view.columns, count = (n + kPanel - 1) / kPanel;
  Panels packed{n, d, count, make_aligned<float>(static_cast<size_t>(count) * d * kPanel)};
  std::vector<std::vector<double>> buffers(thread_count());
  parallel_for(count, poll, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.resize(d);
    float* panel = packed.data.get() + index * d * kPanel;
    for (int r = 0; r < kPanel; ++r) {
      const int64_t i = index * kPanel + r;
      if (i < n) {
        read_centred(i, row.data());
        for (int64_t c = 0; c < d; ++c) panel[c * kPanel + r] = static_cast<float>(row[c]);
      } else {
        for (int64_t c = 0; c < d; ++c) panel[c * kPanel + r] = 0;
      }
    }
  });
  panels_ = std::move(packed);
  return panels_;
}

}  // namespace mmkernels::cpu
