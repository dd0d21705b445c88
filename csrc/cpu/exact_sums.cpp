// Sums in float64 throughout, for estimates without the diagonal where one sample lies far outside
// the others: the terms of its row and column, which no such estimate sees, are then all that
// float32 tiles have digits for. And for kernels so wide that their values leave float32's range.
#include <algorithm>
#include <cmath>

#include "../core/circulant.hpp"
#include "gram.hpp"

namespace mmkernels::cpu {
namespace {

// What rounding leaves of an entry that centring should make 0, as a share of what it was.
constexpr double kEntryError = 0x1p-46;

// One panel of rows of a matrix against any other, in float64 from the values as given.
class WideTiles {
 public:
  void start(const KernelMatrix& matrix, int64_t panel) {
    matrix_ = &matrix;
    panel_ = panel;
    if (matrix.precomputed) return;
    d_ = matrix.features->view.columns;
    rows_.resize(kPanel * d_);
    other_.resize(d_);
    const int64_t count = std::min<int64_t>(kPanel, matrix.samples() - panel * kPanel);
    for (int64_t r = 0; r < count; ++r) read(panel * kPanel + r, rows_.data() + r * d_);
  }

  // tile[r][c] for the samples there are; the rest is left as it is.
  void compute(int64_t panel, double* tile) {
    if (matrix_->precomputed) return matrix_->precomputed->read_wide_tile(panel_, panel, tile);
    const int64_t n = matrix_->samples();
    const int64_t rows = std::min<int64_t>(kPanel, n - panel_ * kPanel);
    for (int64_t c = 0; c < kPanel && panel * kPanel + c < n; ++c) {
      const int64_t column = panel * kPanel + c;
      read(column, other_.data());
      for (int64_t r = 0; r < rows; ++r)
        tile[r * kPanel + c] = value(panel_ * kPanel + r, column, rows_.data() + r * d_);
    }
  }

 private:
  // In the scale of the packed rows. Distances are those of the rows as they are; products those of
  // centred rows.
  void read(int64_t row, double* out) const {
    const Features& features = *matrix_->features;
    features.read_plain(row, out);
    const bool centred = !matrix_->of_distances();
    for (int64_t c = 0; c < d_; ++c)
      out[c] = (centred ? out[c] - features.centre[c] : out[c]) * features.scale;
  }

  double value(int64_t i, int64_t j, const double* row) const {
    const RowKernels<double>& kernels = tile_kernels().of_doubles;
    if (matrix_->of_distances())
      return matrix_->of_distance(std::sqrt(kernels.distance(row, other_.data(), d_))) -
             matrix_->shift;
    const double product = kernels.dot(row, other_.data(), d_);
    if (matrix_->kernel == Kernel::linear) return product;
    return matrix_->polynomial->value(i, j, product) - matrix_->shift;
  }

  const KernelMatrix* matrix_ = nullptr;
  int64_t panel_ = 0, d_ = 0;
  std::vector<double> rows_, other_;
};

// body(i, j, tiles) for all panels j of the rows of panel i; each i is one unit of work.
template <class Body>
void for_wide_tiles(const std::vector<KernelMatrix>& matrices, const Call& call, Body&& body) {
  const int64_t count = matrices.size(), panels = panel_count(matrices[0].samples());
  std::vector<std::vector<WideTiles>> walkers(call.threads);
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for(panels, call, [&](int64_t i, int thread) {
    walkers[thread].resize(count);
    std::vector<double>& tiles = buffers[thread];
    for (int64_t m = 0; m < count; ++m) walkers[thread][m].start(matrices[m], i);
    for (int64_t j = 0; j < panels; ++j) {
      tiles.assign(count * kTile, 0.0);
      for (int64_t m = 0; m < count; ++m)
        walkers[thread][m].compute(j, tiles.data() + m * kTile);
      body(i, j, tiles.data());
    }
  });
}

// What is to be taken off entry ij for i and for j, so that no row has anything left in common: all
// rows of a U-centred matrix, its diagonal left out, or of H K H add up to 0.
std::vector<double> row_terms(const KernelMatrix& matrix, std::vector<double> sums,
                              Estimator estimator) {
  const double n = static_cast<double>(sums.size());
  const bool song = estimator == Estimator::song;
  double total = 0;
  for (size_t i = 0; i < sums.size(); ++i) {
    if (!song) sums[i] += matrix.diagonal(i);
    total += sums[i];
  }
  const double rows = song ? n - 2 : n, all = song ? 2 * (n - 1) * (n - 2) : 2 * n * n;
  for (double& sum : sums) sum = sum / rows - total / all;
  return sums;
}

}  // namespace

std::vector<HsicValue> hsic_exactly(const std::vector<KernelMatrix>& matrices,
                                    const std::vector<Pair>& pairs, Estimator estimator,
                                    const Call& call) {
  const int64_t count = matrices.size(), n = matrices[0].samples(), panels = panel_count(n);
  const auto for_entries = [n](int64_t i, int64_t j, auto&& body) {
    for (int64_t r = 0; r < kPanel && i * kPanel + r < n; ++r)
      for (int64_t c = 0; c < kPanel && j * kPanel + c < n; ++c)
        body(r, c, i == j && r == c);
  };
  std::vector<std::vector<double>> terms(count, std::vector<double>(n, 0.0));
  for_wide_tiles(matrices, call, [&](int64_t i, int64_t j, const double* tiles) {
    for (int64_t m = 0; m < count; ++m) {
      double sums[kPanel] = {};
      for_entries(i, j, [&](int64_t r, int64_t c, bool diagonal) {
        if (!diagonal) sums[r] += tiles[m * kTile + r * kPanel + c];
      });
      for (int64_t r = 0; r < kPanel && i * kPanel + r < n; ++r) terms[m][i * kPanel + r] += sums[r];
    }
  });
  for (int64_t m = 0; m < count; ++m)
    terms[m] = row_terms(matrices[m], std::move(terms[m]), estimator);

  const bool biased = estimator == Estimator::gretton;
  // One slot per panel and pair, added up in order: of centred entries, and of entries as they were.
  const int64_t slots = pairs.size();
  std::vector<double> centred(panels * slots, 0.0), plain(panels * slots, 0.0);
  for_wide_tiles(matrices, call, [&](int64_t i, int64_t j, double* tiles) {
    for (int64_t p = 0; p < slots; ++p) {
      const auto [a, b] = pairs[p];
      const double *k = tiles + a * kTile, *l = tiles + b * kTile;
      double product = 0, before = 0;
      for_entries(i, j, [&](int64_t r, int64_t c, bool diagonal) {
        if (diagonal && !biased) return;
        const int64_t row = i * kPanel + r, column = j * kPanel + c, at = r * kPanel + c;
        const double k_at = diagonal ? matrices[a].diagonal(row) : k[at];
        const double l_at = diagonal ? matrices[b].diagonal(row) : l[at];
        product += (k_at - (terms[a][row] + terms[a][column])) *
                   (l_at - (terms[b][row] + terms[b][column]));
        if (!diagonal) before += k_at * l_at;
      });
      centred[i * slots + p] += product;
      plain[i * slots + p] += before;
    }
  });
  std::vector<HsicValue> values;
  const double size = static_cast<double>(n), entries = size * (size - 1);
  const double divisor = biased ? (size - 1) * (size - 1) : size * (size - 3);
  for (int64_t p = 0; p < slots; ++p) {
    double sum = 0, before = 0;
    for (int64_t i = 0; i < panels; ++i) {
      sum += centred[i * slots + p];
      before += plain[i * slots + p];
    }
    const double magnitude = std::abs(before / entries) +
                             matrices[pairs[p].first].shift * matrices[pairs[p].second].shift;
    values.push_back({sum / divisor, magnitude, kEntryError * kEntryError * magnitude,
                      magnitude});
  }
  return values;
}

}  // namespace mmkernels::cpu
