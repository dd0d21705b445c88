#include "principal_axes.hpp"

#include <algorithm>
#include <cmath>

#include "../core/circulant.hpp"

namespace mmkernels::cpu {
namespace {

// Coordinates per float32 sum of a projection.
constexpr int64_t kChunk = 128;

}  // namespace

RowSample::RowSample(const Features& features, int64_t rows, const Call& call)
    : moments(rows / kPanel * kPanel), depth_(features.view.columns) {
  const int64_t size = moments.size(), feature_panels = mmkernels::cpu::panel_count(depth_);
  panels_ = make_aligned<float>(size * depth_);
  feature_panels_ = make_aligned<float>(size * feature_panels * kPanel);
  // Scattered, so that the first rows of the sample are a sample as well.
  const ScatteredOrder order(size);
  struct Buffer {
    std::vector<double> row;
    std::vector<float> packed;
  };
  std::vector<Buffer> buffers(call.threads);
  parallel_for(panel_count(), call, [&](int64_t index, int thread) {
    Buffer& buffer = buffers[thread];
    buffer.row.resize(depth_);
    buffer.packed.resize(depth_ * kPanel);
    for (int r = 0; r < kPanel; ++r) {
      const int64_t position = index * kPanel + r;
      float* packed = buffer.packed.data() + r * depth_;
      moments[position] = features.pack_row(order(position) * features.view.rows / size,
                                            buffer.row.data(), packed);
      for (int64_t p = 0; p < feature_panels; ++p) {
        float* target = feature_panels_.get() + (p * size + position) * kPanel;
        const int64_t count = std::min<int64_t>(kPanel, depth_ - p * kPanel);
        std::copy_n(packed + p * kPanel, count, target);
        std::fill(target + count, target + kPanel, 0.0f);
      }
    }
    tile_kernels().interleave(buffer.packed.data(), depth_,
                              panels_.get() + index * depth_ * kPanel);
  });
}

double RowSample::effective_dimension() const {
  const int64_t used = std::min<int64_t>(panel_count(), 8);
  alignas(64) float tile[kTile];
  double squares = 0, products = 0;
  for (int64_t i = 0; i < used; ++i) {
    for (int r = 0; r < kPanel; ++r) squares += moments[i * kPanel + r].square;
    for (int64_t j = 0; j < i; ++j) {
      tile_kernels().multiply(panel(i), panel(j), depth_, tile);
      for (float value : tile) products += static_cast<double>(value) * value;
    }
  }
  squares /= static_cast<double>(used * kPanel);
  products /= static_cast<double>(used * (used - 1) / 2 * kTile);
  return products > 0 ? squares * squares / products : static_cast<double>(depth_);
}

// One step of subspace iteration from rows of the sample: Y = A0 A'A, made orthonormal.
PrincipalAxes::PrincipalAxes(const RowSample& sample, int64_t depth, int64_t count,
                             const Call& call)
    : depth_(depth), count_(count), panels_(make_aligned<float>(count * depth)) {
  const int64_t samples = sample.panel_count(), features = panel_count(depth);
  AlignedBuffer<float> products = make_aligned<float>(count * samples * kPanel);
  parallel_for(count / kPanel, call, [&](int64_t q, int) {
    for (int64_t s = 0; s < samples; ++s)
      tile_kernels().multiply(sample.panel(s), sample.panel(q), depth,
                              products.get() + (q * samples + s) * kTile);
  });
  std::vector<double> rows(count * depth);
  parallel_for(features, call, [&](int64_t f, int) {
    alignas(64) float tile[kTile];
    for (int64_t q = 0; q < count / kPanel; ++q) {
      tile_kernels().multiply(products.get() + q * samples * kTile, sample.features_panel(f),
                              samples * kPanel, tile);
      for (int r = 0; r < kPanel; ++r)
        for (int64_t c = 0; c < std::min<int64_t>(kPanel, depth - f * kPanel); ++c)
          rows[(q * kPanel + r) * depth + f * kPanel + c] = tile[r * kPanel + c];
    }
  });
  orthonormalise(rows, call);
  for (int64_t q = 0; q < count; ++q)
    for (int64_t c = 0; c < depth; ++c)
      panels_[(q / kPanel * depth + c) * kPanel + q % kPanel] =
          static_cast<float>(rows[q * depth + c]);
}

// Gram-Schmidt in blocks of 32. In float64 rows that start out nearly parallel end up orthogonal
// to ten digits; keep() measures it.
void PrincipalAxes::orthonormalise(std::vector<double>& rows, const Call& call) const {
  const RowKernels<double>& kernels = tile_kernels().of_doubles;
  const std::vector<double> zeros(depth_);
  const auto row = [&](int64_t q) { return rows.data() + q * depth_; };
  const auto remove = [&](int64_t q, int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p)
      kernels.add(row(q), row(p), zeros.data(), -kernels.dot(row(q), row(p), depth_), depth_);
  };
  std::vector<double> before(count_);
  for (int64_t q = 0; q < count_; ++q) before[q] = std::sqrt(kernels.square(row(q), depth_));
  for (int64_t first = 0; first < count_; first += kPanel) {
    parallel_for(kPanel, call, [&](int64_t r, int) { remove(first + r, 0, first); });
    for (int64_t q = first; q < first + kPanel; ++q) {
      remove(q, first, q);
      const double norm = std::sqrt(kernels.square(row(q), depth_));
      // What float32 products leave of nothing is no direction.
      const bool spanned = norm > 1e-5 * before[q];
      for (int64_t c = 0; c < depth_; ++c) row(q)[c] = spanned ? row(q)[c] / norm : 0.0;
    }
  }
}

void PrincipalAxes::keep(int64_t count, const Call& call) {
  count_ = count;
  // Row sums of |V V' - I| bound its spectral norm; V as it is multiplied, rounded to float32.
  std::vector<double> rows(count * depth_), sums(count, 0.0);
  for (int64_t q = 0; q < count; ++q)
    for (int64_t c = 0; c < depth_; ++c)
      rows[q * depth_ + c] = panels_[(q / kPanel * depth_ + c) * kPanel + q % kPanel];
  parallel_for(count, call, [&](int64_t q, int) {
    const double* row = rows.data() + q * depth_;
    if (tile_kernels().of_doubles.square(row, depth_) == 0) return;
    for (int64_t p = 0; p < count; ++p) {
      const double product = tile_kernels().of_doubles.dot(row, rows.data() + p * depth_, depth_);
      sums[q] += std::abs(product - (p == q ? 1 : 0));
    }
  });
  defect_ = *std::max_element(sums.begin(), sums.end()) * 1.001;
}

void PrincipalAxes::project(const float* panel, double* out) const {
  std::fill(out, out + count_ * kPanel, 0.0);
  alignas(64) float tile[kTile];
  for (int64_t q = 0; q < count_ / kPanel; ++q)
    for (int64_t first = 0; first < depth_; first += kChunk) {
      tile_kernels().multiply(this->panel(q) + first * kPanel, panel + first * kPanel,
                              std::min(kChunk, depth_ - first), tile);
      tile_kernels().add_tile(tile, out + q * kTile);
    }
}

double PrincipalAxes::projection_error() const {
  return (static_cast<double>(kChunk) + 8) * 0x1.01p-24 * (1 + defect_);
}

}  // namespace mmkernels::cpu
