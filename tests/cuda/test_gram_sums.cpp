#include <algorithm>
#include <memory>
#include <tuple>

#include "arrays.hpp"
#include "check.hpp"
#include "gram.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::Matrix;

namespace {

using Square = std::vector<double>;

double distance(const Matrix& x, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t c = 0; c < x.columns; ++c) sum += std::pow(x.at(i, c) - x.at(j, c), 2);
  return std::sqrt(sum);
}

double median_of(const Matrix& x) {
  std::vector<double> all;
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t j = i + 1; j < x.rows; ++j) all.push_back(distance(x, i, j));
  std::sort(all.begin(), all.end());
  return (all[(all.size() - 1) / 2] + all[all.size() / 2]) / 2;
}

Square kernel_matrix(const Matrix& x, const KernelChoice& choice) {
  const int64_t n = x.rows;
  const double width = choice.bandwidth > 0 || choice.kernel == Kernel::linear ||
                               choice.kernel == Kernel::polynomial
                           ? choice.bandwidth
                           : median_of(x);
  Square values(n * n);
  std::vector<double> norms(n, 1);
  if (choice.unit)
    for (int64_t i = 0; i < n; ++i) {
      norms[i] = 0;
      for (int64_t c = 0; c < x.columns; ++c) norms[i] += x.at(i, c) * x.at(i, c);
      norms[i] = std::sqrt(norms[i]);
    }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double product = 0;
      for (int64_t c = 0; c < x.columns; ++c) product += x.at(i, c) * x.at(j, c);
      product /= norms[i] * norms[j];
      const double apart = distance(x, i, j);
      double& value = values[i * n + j];
      switch (choice.kernel) {
        case Kernel::linear: value = product; break;
        case Kernel::gaussian: value = std::exp(-apart * apart / (2 * width * width)); break;
        case Kernel::laplacian: value = std::exp(-apart / width); break;
        case Kernel::distance: value = -apart; break;
        case Kernel::polynomial:
          value = std::pow(choice.gamma * product + choice.offset, choice.degree);
      }
    }
  return values;
}

// Centred as the estimator does, so that HSIC is an inner product of what is returned.
Square centred(Square k, int64_t n, Estimator estimator) {
  const bool song = estimator == Estimator::song;
  std::vector<double> rows(n, 0);
  double total = 0;
  if (song)
    for (int64_t i = 0; i < n; ++i) k[i * n + i] = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) rows[i] += k[i * n + j];
  for (double row : rows) total += row;
  const double count = static_cast<double>(n), each = song ? count - 2 : count;
  const double all = song ? (count - 1) * (count - 2) : count * count;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      k[i * n + j] += total / all - rows[i] / each - rows[j] / each;
      if (i == j && estimator != Estimator::gretton) k[i * n + j] = 0;
    }
  return k;
}

double inner(const Square& k, const Square& l, int64_t n, Estimator estimator) {
  double sum = 0;
  for (size_t v = 0; v < k.size(); ++v) sum += k[v] * l[v];
  const double count = static_cast<double>(n);
  return estimator == Estimator::gretton ? sum / ((count - 1) * (count - 1)) : sum / (count * (count - 3));
}

// All of a call: prepared matrices, a pass that has run, and the scores it gives.
class Pass {
 public:
  Pass(const ArrayView& x, const ArrayView& y, const KernelChoice& of_k, const KernelChoice& of_l,
       Precision precision)
      : memory_([&](Workspace& workspace) {
          search_ = take_median_search(true, workspace);
          k = take_kernel_matrix(x, of_k, precision, workspace);
          l = take_kernel_matrix(y, of_l, precision, workspace);
          pass_ = take_pair_pass(x.rows, workspace);
        }) {
    prepare_kernel_matrix(k, search_, nullptr);
    prepare_kernel_matrix(l, search_, nullptr);
    run_pair_pass(k, l, pass_, nullptr);
  }

  double score(Estimator estimator, Score which) const {
    double value = 0;
    write_score(k, l, pass_, estimator, which, &value, nullptr);
    return value;
  }

  KernelMatrix k, l;

 private:
  MedianSearch search_{};
  PairPass pass_{};
  testing::Memory<std::function<void(Workspace&)>> memory_;
};

const Estimator kEstimators[] = {Estimator::gretton, Estimator::song, Estimator::lange};

// Scores against float64, to `tolerance` of the norms of the centred matrices.
void check_scores(const Matrix& x, const Matrix& y, const KernelChoice& of_k,
                  const KernelChoice& of_l, Precision precision, double tolerance) {
  const Pass pass(x.view(), y.view(), of_k, of_l, precision);
  const int64_t n = x.rows;
  const Square plain_k = kernel_matrix(x, of_k), plain_l = kernel_matrix(y, of_l);
  for (Estimator estimator : kEstimators) {
    if (n < 4 && estimator != Estimator::gretton) continue;
    const Square k = centred(plain_k, n, estimator), l = centred(plain_l, n, estimator);
    const double own_k = inner(k, k, n, estimator), own_l = inner(l, l, n, estimator);
    const double cross = inner(k, l, n, estimator), norm = std::sqrt(own_k) * std::sqrt(own_l);
    const int kernel = static_cast<int>(of_k.kernel), kind = static_cast<int>(estimator);
    CHECK_NEAR(pass.score(estimator, Score::hsic), cross, tolerance * norm, "n", n, "d", x.columns,
               "kernel", kernel, "estimator", kind, "norm", norm);
    CHECK_NEAR(pass.score(estimator, Score::cka), cross / norm, tolerance, "n", n, "d", x.columns,
               "kernel", kernel, "estimator", kind);
  }
}

}  // namespace

TEST(gaussian_scores_are_those_of_float64) {
  for (auto [n, d, e] : {std::tuple<int64_t, int64_t, int64_t>{2, 1, 3}, {3, 7, 7}, {5, 33, 2}, {130, 31, 200}}) {
    const Matrix x = testing::normal(n, d, 3), y = testing::normal(n, e, 4);
    check_scores(x, y, {.kernel = Kernel::gaussian, .bandwidth = 0},
                 {.kernel = Kernel::gaussian, .bandwidth = 0}, Precision::exact, 1e-6);
  }
}
