#include "operations.hpp"

#include <bit>
#include <cstring>

#include "cpu/cknna.hpp"
#include "cpu/condensed_distances.hpp"
#include "cpu/lifted_products.hpp"
#include "cpu/mlp_ensemble.hpp"
#include "cpu/moments.hpp"
#include "cpu/overlap.hpp"
#include "cpu/rank_correlation.hpp"
#include "cpu/ranks.hpp"
#include "cpu/relabelling.hpp"
#include "cpu/second_order.hpp"
#include "cpu/sequences.hpp"

namespace mmkernels::testing {
namespace {

using namespace cpu;

// More panels than strips hold, an odd last panel, and rows wide enough for every kind of product.
const Stored& left() {
  static const Stored stored(gaussian(300, 65, 1), Type::float32);
  return stored;
}
const Stored& right() {
  static const Stored stored(heavy_tailed(300, 40, 2), Type::float64, Layout::padded);
  return stored;
}

Bits joined(std::initializer_list<Bits> parts) {
  Bits all;
  for (const Bits& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bits bits_of(const Neighbors& found) {
  return joined({testing::bits_of(found.indices), testing::bits_of(found.scores)});
}

Bits bits_of(const std::vector<HsicValue>& values) {
  std::vector<double> numbers;
  for (const HsicValue& value : values)
    numbers.insert(numbers.end(), {value.hsic, value.magnitude, value.rounding});
  return testing::bits_of(numbers);
}

Bits read(bool unit, Centre centre, const Call& call) {
  const Features features(right().view(), unit, centre, call);
  return joined({testing::bits_of(features.norms), testing::bits_of(features.centre),
                 testing::bits_of(features.centred_norms)});
}

Bits search(Metric metric, int64_t k, bool own_candidates, const Call& call) {
  const Features candidates(left().view(), metric == Metric::cosine, Centre::robust, call);
  if (own_candidates) return bits_of(neighbors(candidates, nullptr, metric, k, call));
  static const Stored other(gaussian(100, 65, 3), Type::float32);
  const Features queries(other.view(), candidates, call);
  return bits_of(neighbors(candidates, &queries, metric, k, call));
}

Bits lifted(const Call& call) {
  const Features x(left().view(), false, Centre::mean, call);
  const Features y(right().view(), false, Centre::mean, call);
  const int64_t d_x = x.view.columns, d_y = y.view.columns;
  std::vector<double> products((d_x + 2) * (d_y + 2), 0.0), moved(products.size(), 0.0);
  add_lifted_products({&x, x.centre.data(), x.scale}, {&y, y.centre.data(), y.scale},
                      products.data(), call);
  add_moved_products(products.data(), d_x, {0.5, x.centre.data()}, d_y, {2, y.centre.data()},
                     moved.data(), call);
  std::vector<double> own((d_x + 2) * (d_x + 2), 0.0);
  const Placed placed{&x, x.centre.data(), 0.5};
  add_lifted_products(placed, placed, own.data(), call);
  return joined({testing::bits_of(products), testing::bits_of(moved), testing::bits_of(own)});
}

Bits hsic(Estimator estimator, const Call& call) {
  const Features x(left().view(), false, Centre::mean, call);
  const Features y(right().view(), false, Centre::robust, call);
  const std::vector<KernelMatrix> matrices{kernel_matrix(x, Kernel::linear, 0, call),
                                           kernel_matrix(x, Kernel::gaussian, 9.0, call),
                                           kernel_matrix(y, Kernel::gaussian, 1e3, call)};
  const std::vector<Pair> pairs{{0, 0}, {0, 1}, {1, 2}, {2, 2}};
  return joined({bits_of(hsic_by_tiles(matrices, pairs, estimator, call)),
                 bits_of(hsic_exactly(matrices, pairs, estimator, call))});
}

template <class T>
Bits gram(Kernel kernel, const Call& call) {
  const Features features(left().view(), false, Centre::mean, call);
  const int64_t n = features.view.rows;
  std::vector<T> out(n * n);
  centered_gram<T>(kernel_matrix(features, kernel, 9.0, call), out.data(), call);
  return testing::bits_of(out);
}

// Two sides and the neighbours in each.
struct Sides {
  const int64_t k = 10;
  Features x, y;
  Neighbors in_x, in_y;
  const int64_t n;
  const int64_t *a, *b;

  Sides(bool unit, Centre centre, const Call& call)
      : x(left().view(), unit, centre, call), y(right().view(), unit, centre, call),
        in_x(neighbors(x, nullptr, unit ? Metric::cosine : Metric::inner_product, k, call)),
        in_y(neighbors(y, nullptr, unit ? Metric::cosine : Metric::inner_product, k, call)),
        n(x.view.rows), a(in_x.indices.data()), b(in_y.indices.data()) {}
};

Bits lists(const Call& call) {
  const Sides s(true, Centre::robust, call);
  const std::vector<double> sums{rank_similarities(s.a, s.b, s.n, s.k, call),
                                 second_order_cosines(s.x, s.y, s.a, s.b, s.k, call).sum};
  return joined({testing::bits_of(overlap_counts({s.a, s.b}, s.n, s.k, {0, 1}, {0, 1}, call)),
                 testing::bits_of(overlap_histogram(s.a, s.b, s.n, s.k, call)),
                 testing::bits_of(std::vector{cycle_count(s.a, s.b, s.n, s.k, call)}),
                 testing::bits_of(common_subsequences(s.a, s.b, s.n, s.k, call)),
                 testing::bits_of(edit_distances(s.a, s.b, s.n, s.k, call)), testing::bits_of(sums)});
}

Bits relabellings(const Call& call) {
  const Sides s(true, Centre::robust, {1, {}});
  std::vector<int64_t> labels(9000);
  write_labels(3, 1, labels.size(), labels.data(), call);
  return joined({testing::bits_of(labels),
                 testing::bits_of(relabelled_overlaps(s.a, s.b, s.n, s.k, 3, 20, call))});
}

Bits alignment(bool centred, const Call& call) {
  const Sides s(false, Centre::mean, call);
  const SparseKernel k = kernel_on_neighbors(s.x, s.a, s.k, centred, call);
  const SparseKernel l = kernel_on_neighbors(s.y, s.b, s.k, centred, call);
  return testing::bits_of(std::vector<double>{shared_product(k, l, call),
                                              masked_hsic(k, l, true, call),
                                              masked_hsic(k, l, false, call)});
}

std::vector<double> dissimilarities(const Stored& stored, Dissimilarity kind, const Call& call) {
  const Matrix& matrix = stored.values();
  std::vector<double> out(matrix.rows * (matrix.rows - 1) / 2);
  condensed_distances(matrix.values.data(), matrix.rows, matrix.columns, kind, out.data(), call);
  return out;
}

Bits dissimilarity_sums(const Call& call) {
  const std::vector<double> a = dissimilarities(left(), Dissimilarity::cityblock, call);
  const std::vector<double> b = dissimilarities(right(), Dissimilarity::euclidean, call);
  const Moments found = moments(a.data(), b.data(), a.size(), true, call);
  return testing::bits_of(std::vector<double>{found.mean_a, found.mean_b, found.aa, found.ab, found.bb});
}

Bits ranks_and_orders(const Call& call) {
  std::vector<double> a = dissimilarities(left(), Dissimilarity::half_squared, call);
  std::vector<double> b = dissimilarities(right(), Dissimilarity::squared_euclidean, call);
  const int64_t count = a.size(), ties = average_ranks(a.data(), count, call);
  average_ranks(b.data(), count, call);
  const KendallCounts found = kendall_counts(a.data(), b.data(), count, call);
  return joined({testing::bits_of(a),
                 testing::bits_of(std::vector<int64_t>{ties, found.tied_in_both, found.discordant})});
}

Bits precomputed(const Call& call) {
  static const Stored stored = [] {
    Matrix square(300, 300);
    const Matrix rows = gaussian(300, 5, 7);
    for (int64_t i = 0; i < 300; ++i)
      for (int64_t j = 0; j < 300; ++j)
        for (int64_t c = 0; c < 5; ++c) square.row(i)[j] += rows.row(i)[c] * rows.row(j)[c];
    return Stored(square, Type::float64);
  }();
  const PrecomputedMatrix matrix(stored.view(), call);
  KernelMatrix kernel;
  kernel.kernel = Kernel::precomputed;
  kernel.precomputed = &matrix;
  return bits_of(hsic_by_tiles({kernel}, {{0, 0}}, Estimator::song, call));
}

Bits networks(const Call& call) {
  const int64_t n = left().view().rows, d = left().view().columns, valid = 50;
  const std::vector<double>& given = left().values().values;
  const std::vector<float> x(given.begin(), given.end());
  std::vector<int64_t> labels(n);
  for (int64_t i = 0; i < n; ++i) labels[i] = x[i * d] > x[i * d + 1];
  const MlpSamples all{x.data(), labels.data(), nullptr, n};
  const MlpData data{static_cast<int>(d), 2, all, {x.data(), labels.data(), nullptr, valid}};
  const std::vector<MlpNetwork> ensemble{
      {1, 3, Activation::rectifier, 0.1f, 1e-2, 0.1, 4, 1, 0},
      {3, 12, Activation::tanh, 0.0f, 1e-2, 0.0, 2, 2, 0},
      {2, 7, Activation::rectifier, 0.0f, 1e-3, 0.1, 3, 1, 0}};
  std::vector<std::vector<float>> parameters;
  std::vector<std::vector<double>> histories;
  std::vector<MlpResult> results;
  for (const MlpNetwork& one : ensemble) {
    const int64_t w = one.width;
    const Matrix start = gaussian(1, w * (d + 1) + (one.depth - 1) * w * (w + 1) + 2 * (w + 1), w);
    parameters.emplace_back(start.values.begin(), start.values.end());
    histories.emplace_back(3 * one.epochs);
    double* history = histories.back().data();
    results.push_back({parameters.back().data(), history, history + one.epochs,
                       history + 2 * one.epochs, nullptr});
  }
  std::atomic<int64_t> finished{0};
  train(ensemble, {&data, 1}, {Loss::cross_entropy, 70, 1.0, 0}, results, finished, call);
  Bits all_bits;
  for (size_t i = 0; i < ensemble.size(); ++i)
    all_bits = joined({all_bits, testing::bits_of(parameters[i]), testing::bits_of(histories[i])});
  return all_bits;
}

}  // namespace

Neighbors neighbors(const Features& candidates, const Features* queries, Metric metric, int64_t k,
                    const Call& call) {
  const int64_t rows = (queries ? *queries : candidates).view.rows;
  Neighbors found{k, std::vector<int64_t>(rows * k), std::vector<double>(rows * k)};
  knn(candidates, queries, metric, k, found.indices.data(), found.scores.data(), call);
  return found;
}

const Stored& many_rows() {
  static const Stored stored(decaying(2080, 96, 1), Type::float32);
  return stored;
}

Neighbors search_many_rows(const Call& call) {
  const Features features(many_rows().view(), false, Centre::robust, call);
  return neighbors(features, nullptr, Metric::euclidean, 5, call);
}

KernelMatrix kernel_matrix(const Features& features, Kernel kernel, double bandwidth,
                           const Call& call) {
  KernelMatrix matrix;
  matrix.features = &features;
  matrix.kernel = kernel;
  matrix.bandwidth = bandwidth;
  if (kernel == Kernel::polynomial)
    matrix.polynomial = std::make_shared<Polynomial>(features, kDegree, kOffset,
                                                     1 / (bandwidth * bandwidth), call);
  matrix.choose_shift(call);
  return matrix;
}

template <class T>
Bits bits_of(const std::vector<T>& values) {
  Bits bits(values.size(), 0);
  for (size_t i = 0; i < values.size(); ++i) std::memcpy(&bits[i], &values[i], sizeof(T));
  return bits;
}

template Bits bits_of(const std::vector<float>&);
template Bits bits_of(const std::vector<double>&);
template Bits bits_of(const std::vector<int64_t>&);

const std::vector<Operation>& all_operations() {
  using enum Metric;
  static const std::vector<Operation> operations{
      {"features", [](const Call& call) { return read(false, Centre::mean, call); }},
      {"robust features", [](const Call& call) { return read(false, Centre::robust, call); }},
      {"unit features", [](const Call& call) { return read(true, Centre::mean, call); }},
      {"cosine neighbours", [](const Call& call) { return search(cosine, 10, true, call); }},
      {"nearest neighbour", [](const Call& call) { return search(inner_product, 1, true, call); }},
      {"euclidean neighbours", [](const Call& call) { return search(euclidean, 3, true, call); }},
      {"most neighbours", [](const Call& call) { return search(cosine, 290, true, call); }},
      {"queries' neighbours", [](const Call& call) { return search(euclidean, 3, false, call); }},
      {"biased hsic", [](const Call& call) { return hsic(Estimator::gretton, call); }},
      {"unbiased hsic", [](const Call& call) { return hsic(Estimator::song, call); }},
      {"hsic off the diagonal", [](const Call& call) { return hsic(Estimator::lange, call); }},
      {"hsic of features", [](const Call& call) {
         const Features x(left().view(), false, Centre::mean, call);
         const Features y(right().view(), false, Centre::mean, call);
         return bits_of({hsic_by_features(x, y, Estimator::song, call),
                         hsic_by_features(x, x, Estimator::gretton, call)});
       }},
      {"lifted products", lifted},
      {"linear gram", [](const Call& call) { return gram<float>(Kernel::linear, call); }},
      {"gaussian gram", [](const Call& call) { return gram<double>(Kernel::gaussian, call); }},
      {"laplacian gram", [](const Call& call) { return gram<float>(Kernel::laplacian, call); }},
      {"distances", [](const Call& call) { return gram<float>(Kernel::distance, call); }},
      {"polynomial gram", [](const Call& call) { return gram<double>(Kernel::polynomial, call); }},
      {"precomputed gram", precomputed},
      {"along the centre", [](const Call& call) {
         const Features features(right().view(), true, Centre::mean, call);
         return testing::bits_of(features.along_centre(call));
       }},
      {"median distance", [](const Call& call) {
         const Features features(right().view(), false, Centre::robust, call);
         return testing::bits_of(std::vector<double>{median_distance(features, call)});
       }},
      {"lists of neighbours", lists},
      {"relabellings", relabellings},
      {"alignment", [](const Call& call) { return alignment(false, call); }},
      {"centred alignment", [](const Call& call) { return alignment(true, call); }},
      {"sums of dissimilarities", dissimilarity_sums},
      {"ranks and orders", ranks_and_orders},
      {"small networks", networks},
  };
  return operations;
}

}  // namespace mmkernels::testing
