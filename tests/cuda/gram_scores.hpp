// HSIC and CKA of two kernels by a pass, and held to float64.
#pragma once

#include <functional>
#include <optional>

#include "arrays.hpp"
#include "check.hpp"
#include "gram.hpp"
#include "gram_reference.hpp"

namespace mmkernels::testing {

using cuda::GramPass;
using cuda::KernelMatrix;
using cuda::MedianSearch;
using cuda::Path;
using cuda::Precision;
using cuda::Workspace;

enum class Score { hsic, cka };

// All of a call for two representations.
class Pass {
 public:
  Pass(const ArrayView& x, const ArrayView& y, const KernelChoice& of_k, const KernelChoice& of_l,
       Precision precision, Path path)
      : memory_([&](Workspace& workspace) {
          search_ = cuda::take_median_search(true, workspace);
          matrices_ = {cuda::take_kernel_matrix(x, of_k, precision, path, workspace),
                       cuda::take_kernel_matrix(y, of_l, precision, path, workspace)};
          pass_ = cuda::take_gram_pass(x.rows, 2, workspace);
        }) {
    for (const KernelMatrix& matrix : matrices_) cuda::prepare_kernel_matrix(matrix, search_, nullptr);
  }

  double score(Estimator estimator, Score which) {
    double value = 0;
    if (ran_ != estimator) cuda::run_gram_pass(matrices_, pass_, estimator, nullptr);
    ran_ = estimator;
    if (which == Score::hsic)
      cuda::write_hsic(pass_, 0, 1, &value, nullptr);
    else
      cuda::write_cka(pass_, {0}, {1}, &value, nullptr);
    return value;
  }

 private:
  MedianSearch search_{};
  std::vector<KernelMatrix> matrices_;
  GramPass pass_{};
  std::optional<Estimator> ran_;
  Memory<std::function<void(Workspace&)>> memory_;
};

inline constexpr Path kPaths[] = {Path::general, Path::hopper};
inline constexpr Estimator kEstimators[] = {Estimator::gretton, Estimator::song, Estimator::lange};

// Scores against float64, to `tolerance` of the norms of the centred matrices.
inline void check_scores(const Matrix& x, const Matrix& y, const KernelChoice& of_k,
                         const KernelChoice& of_l, Precision precision, double tolerance,
                         Path path) {
  Pass pass(x.view(), y.view(), of_k, of_l, precision, path);
  const int64_t n = x.rows;
  const Square plain_k = kernel_matrix(x, of_k), plain_l = kernel_matrix(y, of_l);
  for (Estimator estimator : kEstimators) {
    if (n < 4 && estimator != Estimator::gretton) continue;
    if (n > 100 && estimator != Estimator::song) continue;  // for time: no estimator knows of tiles
    const Square k = centred(plain_k, n, estimator), l = centred(plain_l, n, estimator);
    const double own_k = inner(k, k, n, estimator), own_l = inner(l, l, n, estimator);
    const double cross = inner(k, l, n, estimator), norm = std::sqrt(own_k) * std::sqrt(own_l);
    const int kernel = static_cast<int>(of_k.kernel), kind = static_cast<int>(estimator);
    const int family = static_cast<int>(path);
    CHECK_NEAR(pass.score(estimator, Score::hsic), cross, tolerance * norm, "n", n, "d", x.columns,
               "kernel", kernel, "estimator", kind, "norm", norm, "path", family);
    CHECK_NEAR(pass.score(estimator, Score::cka), cross / norm, tolerance, "n", n, "d", x.columns,
               "kernel", kernel, "estimator", kind, "path", family);
  }
}

}  // namespace mmkernels::testing
