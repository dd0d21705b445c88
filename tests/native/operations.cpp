#include "operations.hpp"

#include <bit>
#include <cstring>

#include "cpu/lifted_products.hpp"
#include "cpu/overlap.hpp"

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
    numbers.insert(numbers.end(), {value.hsic, value.magnitude});
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

Bits hsic(bool unbiased, const Call& call) {
  const Features x(left().view(), false, Centre::mean, call);
  const Features y(right().view(), false, Centre::robust, call);
  const std::vector<KernelMatrix> matrices{kernel_matrix(x, Kernel::linear, 0, call),
                                           kernel_matrix(x, Kernel::gaussian, 9.0, call),
                                           kernel_matrix(y, Kernel::gaussian, 1e3, call)};
  return bits_of(hsic_by_tiles(matrices, {{0, 0}, {0, 1}, {1, 2}, {2, 2}}, unbiased, call));
}

template <class T>
Bits gram(Kernel kernel, const Call& call) {
  const Features features(left().view(), false, Centre::mean, call);
  const int64_t n = features.view.rows;
  std::vector<T> out(n * n);
  centered_gram<T>(kernel_matrix(features, kernel, 9.0, call), out.data(), call);
  return testing::bits_of(out);
}

Bits overlap(const Call& call) {
  const Features x(left().view(), true, Centre::robust, call);
  const Features y(right().view(), true, Centre::robust, call);
  const Neighbors a = neighbors(x, nullptr, Metric::cosine, 10, call);
  const Neighbors b = neighbors(y, nullptr, Metric::cosine, 10, call);
  return testing::bits_of(overlap_counts({a.indices.data(), b.indices.data()}, x.view.rows, 10,
                                         {0, 1}, {0, 1}, call));
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
  KernelMatrix matrix{&features};
  matrix.kernel = kernel;
  if (kernel == Kernel::gaussian) matrix.inverse_square_bandwidth = 1 / (bandwidth * bandwidth);
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
      {"biased hsic", [](const Call& call) { return hsic(false, call); }},
      {"unbiased hsic", [](const Call& call) { return hsic(true, call); }},
      {"hsic of features", [](const Call& call) {
         const Features x(left().view(), false, Centre::mean, call);
         const Features y(right().view(), false, Centre::mean, call);
         return bits_of({hsic_by_features(x, y, true, call), hsic_by_features(x, x, false, call)});
       }},
      {"lifted products", lifted},
      {"linear gram", [](const Call& call) { return gram<float>(Kernel::linear, call); }},
      {"gaussian gram", [](const Call& call) { return gram<double>(Kernel::gaussian, call); }},
      {"median distance", [](const Call& call) {
         const Features features(right().view(), false, Centre::robust, call);
         return testing::bits_of(std::vector<double>{median_distance(features, call)});
       }},
      {"overlap", overlap},
  };
  return operations;
}

}  // namespace mmkernels::testing
