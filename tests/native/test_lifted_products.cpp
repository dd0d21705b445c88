#include "cpu/lifted_products.hpp"

#include <cmath>

#include "check.hpp"
#include "reference.hpp"
#include "samples.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

const Call kCall{2, {}};

// (c, |c|^2, 1) for c = ratio * scale (x - centre) + shift.
std::vector<Real> lifted_row(const Features& features, const Matrix& values, int64_t row,
                             double ratio, const std::vector<double>& shift) {
  const int64_t d = values.columns;
  std::vector<Real> out(d + 2);
  for (int64_t c = 0; c < d; ++c) {
    const Real centred = static_cast<Real>(values.row(row)[c]) - features.centre[c];
    out[c] = ratio * features.scale * centred + shift[c];
    out[d] += out[c] * out[c];
  }
  out[d + 1] = 1;
  return out;
}

struct Side {
  const Stored stored;
  const Features features;
  double ratio;
  std::vector<double> shift;

  Side(const Matrix& matrix, Type type, Layout layout, double ratio)
      : stored(matrix, type, layout), features(stored.view(), false, Centre::mean, kCall),
        ratio(ratio), shift(gaussian(1, matrix.columns, 9).values) {}
  Placed placed() const { return {&features, features.centre.data(), features.scale}; }
  int64_t width() const { return stored.values().columns + 2; }
};

// Within rounding of the sum, for every entry, of the products of rows as they are or as moved.
void check_products(const std::vector<double>& found, const Side& x, const Side& y, bool moved) {
  const int64_t n = x.stored.values().rows;
  std::vector<Real> sums(x.width() * y.width()), sizes(sums.size());
  const std::vector<double> no_x(x.width(), 0.0), no_y(y.width(), 0.0);
  for (int64_t i = 0; i < n; ++i) {
    const auto a = lifted_row(x.features, x.stored.values(), i, moved ? x.ratio : 1,
                              moved ? x.shift : no_x);
    const auto b = lifted_row(y.features, y.stored.values(), i, moved ? y.ratio : 1,
                              moved ? y.shift : no_y);
    for (int64_t r = 0; r < x.width(); ++r)
      for (int64_t c = 0; c < y.width(); ++c) {
        sums[r * y.width() + c] += a[r] * b[c];
        sizes[r * y.width() + c] += std::abs(a[r] * b[c]);
      }
  }
  for (size_t i = 0; i < sums.size(); ++i)
    CHECK_NEAR(found[i], sums[i], 4e-14 * (sizes[i] + 1), "n", n, "of", x.width(), y.width(),
               "entry", i, "moved", moved);
}

void check(const Side& x, const Side& y) {
  std::vector<double> products(x.width() * y.width(), 0.0), moved(products.size(), 0.0);
  add_lifted_products(x.placed(), y.placed(), products.data(), kCall);
  check_products(products, x, y, false);
  add_moved_products(products.data(), x.width() - 2, {x.ratio, x.shift.data()}, y.width() - 2,
                     {y.ratio, y.shift.data()}, moved.data(), kCall);
  check_products(moved, x, y, true);
}

}  // namespace

TEST(lifted_products_of_every_size) {
  for (const int64_t n : {1, 2, 3, 31, 257, 1100})
    for (const int64_t d : {1, 14, 15, 33, 150}) {
      const Side x(gaussian(n, d, n), Type::float32, Layout::contiguous, 0.25);
      const Side y(gaussian(n, 20, d), Type::float64, Layout::contiguous, 0.5);
      check(x, y);
      check(y, x);
      check(x, x);
    }
}

TEST(lifted_products_of_every_storage_and_data) {
  for (const Type type : {Type::float16, Type::float32, Type::float64})
    for (const Layout layout : {Layout::padded, Layout::transposed, Layout::unaligned,
                                Layout::reversed}) {
      const Side x(gaussian(70, 33, 3), type, layout, 1);
      const Side y(gaussian(70, 17, 4), Type::float32, Layout::contiguous, 2);
      check(x, y);
    }
  for (const NamedFactory& data : kAwkward) {
    const Side x(data.make(300, 33, 3), Type::float32, Layout::contiguous, 0.5);
    const Side y(data.make(300, 5, 4), Type::float64, Layout::contiguous, 1);
    check(x, y);
  }
}

TEST(lifted_products_of_rows_and_themselves_are_symmetric) {
  const Side x(gaussian(300, 70, 3), Type::float32, Layout::contiguous, 1);
  std::vector<double> products(x.width() * x.width(), 0.0), whole(products);
  // The same rows under another name: all of the product, computed.
  const Features again(x.stored.view(), false, Centre::mean, kCall);
  for (int part = 0; part < 2; ++part) {
    add_lifted_products(x.placed(), x.placed(), products.data(), kCall);
    add_lifted_products(x.placed(), {&again, again.centre.data(), again.scale}, whole.data(),
                        kCall);
  }
  CHECK(products == whole);
}
