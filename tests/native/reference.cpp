#include "reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <sstream>

namespace mmkernels::testing {
namespace {

// The thread sanitizer would spend most of its time on these three, which share nothing.
#define UNWATCHED __attribute__((no_sanitize_thread))

UNWATCHED Real product(const double* a, const double* b, int64_t d) {
  Real sum = 0;
  for (int64_t c = 0; c < d; ++c) sum += static_cast<Real>(a[c]) * b[c];
  return sum;
}

UNWATCHED Real squared_distance(const double* a, const double* b, int64_t d) {
  Real sum = 0;
  for (int64_t c = 0; c < d; ++c) {
    const Real difference = static_cast<Real>(a[c]) - b[c];
    sum += difference * difference;
  }
  return sum;
}

UNWATCHED Real product(const Real* a, const Real* b, int64_t d) {
  Real sum = 0;
  for (int64_t c = 0; c < d; ++c) sum += a[c] * b[c];
  return sum;
}

std::vector<Real> norms_of(const Matrix& rows) {
  std::vector<Real> norms;
  for (int64_t i = 0; i < rows.rows; ++i)
    norms.push_back(std::sqrt(product(rows.row(i), rows.row(i), rows.columns)));
  return norms;
}

// For each row the last one before it that holds the same values; -1 where there is none.
std::vector<int64_t> earlier_equals(const Matrix& rows) {
  std::map<std::vector<double>, int64_t> seen;
  std::vector<int64_t> earlier;
  for (int64_t i = 0; i < rows.rows; ++i) {
    const std::vector<double> values(rows.row(i), rows.row(i) + rows.columns);
    const auto [place, is_new] = seen.try_emplace(values, i);
    earlier.push_back(is_new ? -1 : place->second);
    place->second = i;
  }
  return earlier;
}

struct Candidate {
  Real score, rounding;  // and by how much a float64 score may differ
  int64_t index;
};

}  // namespace

std::string mistake(const Neighbors& found, const Matrix& queries, const Matrix& candidates,
                    cpu::Metric metric, bool own_candidates, bool exact, int64_t stride) {
  const int64_t d = queries.columns, n = candidates.rows, k = found.k;
  const Real unit = 2 * static_cast<Real>(d + 16) * 0x1p-52L;
  const std::vector<Real> query_norms = norms_of(queries), norms = norms_of(candidates);
  const std::vector<int64_t> earlier = earlier_equals(candidates);
  for (int64_t i = 0; i < queries.rows; i += stride) {
    std::vector<Candidate> all, best;
    for (int64_t j = 0; j < n; ++j) {
      Real score, size;
      if (metric == cpu::Metric::euclidean) {
        score = -squared_distance(queries.row(i), candidates.row(j), d);
        size = -score;
      } else {
        score = product(queries.row(i), candidates.row(j), d);
        size = query_norms[i] * norms[j];
        if (metric == cpu::Metric::cosine) score /= size, size = 2;
      }
      all.push_back({score, exact ? 0 : unit * size, j});
      if (!own_candidates || i != j) best.push_back(all.back());
    }
    std::stable_sort(best.begin(), best.end(),
                     [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    std::vector<bool> listed(n, false);
    for (int64_t rank = 0; rank < k; ++rank) {
      const int64_t j = found.indices[i * k + rank];
      const double score = found.scores[i * k + rank];
      const auto wrong = [&](const char* what) {
        std::ostringstream text;
        text.precision(20);
        text << "row " << i << ", rank " << rank << ": " << what << "; index " << j << ", score "
             << score << ", the true one is " << best[rank].index << ", " << best[rank].score;
        return text.str();
      };
      if (j < 0 || j >= n) return wrong("index out of range");
      if (own_candidates && j == i) return wrong("its own neighbour");
      if (listed[j]) return wrong("listed twice");
      listed[j] = true;
      if (!(std::abs(score - all[j].score) <= all[j].rounding)) return wrong("not its score");
      if (!(best[rank].score - all[j].score <= all[j].rounding + best[rank].rounding))
        return wrong("a better candidate was left out");
      if (exact && j != best[rank].index) return wrong("equals out of order");
      int64_t equal = earlier[j];
      if (own_candidates && equal == i) equal = earlier[equal];
      if (equal >= 0 && !listed[equal]) return wrong("a lower index with the same values is later");
      if (rank == 0) continue;
      const double before = found.scores[i * k + rank - 1];
      if (score > before || (score == before && j < found.indices[i * k + rank - 1]))
        return wrong("not in the order of its own scores");
    }
  }
  return "";
}

Square plain_kernel(const Matrix& rows, cpu::Kernel kernel, double bandwidth) {
  const int64_t n = rows.rows, d = rows.columns;
  Square k(n, std::vector<Real>(n));
  const Real width = bandwidth;
  const auto value = [&](int64_t i, int64_t j) -> Real {
    if (kernel == cpu::Kernel::polynomial) {
      const Real base = product(rows.row(i), rows.row(j), d) / (width * width) + kOffset;
      Real power = 1;
      for (int p = 0; p < kDegree; ++p) power *= base;
      return power;
    }
    const Real squared = squared_distance(rows.row(i), rows.row(j), d);
    if (kernel == cpu::Kernel::gaussian) return std::expm1(-0.5L * squared / (width * width));
    if (kernel == cpu::Kernel::laplacian) return std::expm1(-std::sqrt(squared) / width);
    return -std::sqrt(squared);
  };
  if (kernel != cpu::Kernel::linear) {
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j <= i; ++j) k[i][j] = k[j][i] = value(i, j);
    const Real common = kernel == cpu::Kernel::polynomial ? k[0][1] : 0;
    for (auto& row : k)
      for (Real& entry : row) entry -= common;
    return k;
  }
  std::vector<std::vector<Real>> centred(n, std::vector<Real>(d));
  for (int64_t c = 0; c < d; ++c) {
    Real mean = 0;
    for (int64_t i = 0; i < n; ++i) mean += rows.row(i)[c];
    for (int64_t i = 0; i < n; ++i) centred[i][c] = rows.row(i)[c] - mean / n;
  }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j <= i; ++j)
      k[i][j] = k[j][i] = product(centred[i].data(), centred[j].data(), d);
  return k;
}

Square centred_kernel(const Matrix& rows, cpu::Kernel kernel, double bandwidth) {
  Square k = plain_kernel(rows, kernel, bandwidth);
  const int64_t n = rows.rows;
  std::vector<Real> means(n, 0);
  Real mean = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) means[i] += k[i][j] / n;
    mean += means[i] / n;
  }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) k[i][j] += mean - means[i] - means[j];
  return k;
}

Real biased_hsic_of(const Square& centred_k, const Square& centred_l) {
  const Real n = centred_k.size();
  Real sum = 0;
  for (size_t i = 0; i < centred_k.size(); ++i)
    for (size_t j = 0; j < centred_k.size(); ++j) sum += centred_k[i][j] * centred_l[i][j];
  return sum / ((n - 1) * (n - 1));
}

Real lange_hsic_of(const Square& centred_k, const Square& centred_l) {
  const Real n = centred_k.size();
  Real sum = 0;
  for (size_t i = 0; i < centred_k.size(); ++i)
    for (size_t j = 0; j < centred_k.size(); ++j)
      if (i != j) sum += centred_k[i][j] * centred_l[i][j];
  return sum / (n * (n - 3));
}

Real unbiased_hsic_of(const Square& k, const Square& l) {
  const Real n = k.size();
  Real trace = 0, total_k = 0, total_l = 0, rows = 0;
  for (size_t i = 0; i < k.size(); ++i) {
    Real row_k = 0, row_l = 0;
    for (size_t j = 0; j < k.size(); ++j) {
      if (i == j) continue;
      trace += k[i][j] * l[i][j];
      row_k += k[i][j];
      row_l += l[i][j];
    }
    rows += row_k * row_l;
    total_k += row_k;
    total_l += row_l;
  }
  return (trace + total_k * total_l / ((n - 1) * (n - 2)) - 2 / (n - 2) * rows) / (n * (n - 3));
}

Real median_distance_of(const Matrix& rows) {
  std::vector<Real> distances;
  for (int64_t i = 0; i < rows.rows; ++i)
    for (int64_t j = 0; j < i; ++j)
      distances.push_back(std::sqrt(squared_distance(rows.row(i), rows.row(j), rows.columns)));
  std::sort(distances.begin(), distances.end());
  const size_t pairs = distances.size();
  return (distances[(pairs - 1) / 2] + distances[pairs / 2]) / 2;
}

}  // namespace mmkernels::testing
