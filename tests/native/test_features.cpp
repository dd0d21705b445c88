#include "cpu/features.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "check.hpp"
#include "samples.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

const Call kCall{2, {}};

float value_of(float stored) { return stored; }
float value_of(uint16_t stored) { return std::bit_cast<float>(uint32_t{stored} << 16); }

// The centred rows as packed, and the moments that packing returns.
template <class Stored>
void check_packing(const Features& features, const Matrix& rows, double rounding) {
  const int64_t d = rows.columns;
  std::vector<double> buffer(d);
  std::vector<Stored> out(d);
  for (int64_t i = 0; i < rows.rows; ++i) {
    const RowMoments found = features.pack_row(i, buffer.data(), out.data());
    double lost = 0, square = 0, size = 0;
    for (int64_t c = 0; c < d; ++c) {
      const double centred = (rows.row(i)[c] - features.centre[c]) * features.scale;
      const double kept = value_of(out[c]);
      CHECK_NEAR(kept, centred, rounding * std::abs(centred) + 1e-12, "at", i, c, "d", d);
      lost += (centred - kept) * (centred - kept);
      square += centred * centred;
      size = std::max(size, std::abs(features.centre[c]) * features.scale);
    }
    CHECK_NEAR(found.square, square, 1e-12 * square + 1e-20, "row", i, "d", d);
    CHECK_NEAR(found.lost, lost, 1e-3 * lost + 1e-20, "row", i, "d", d);
    if (features.centred_norms[i] > 0)
      CHECK_NEAR(features.centred_norms[i], std::sqrt(square), 1e-12, "row", i, "d", d);
  }
}

// Panels hold what packing rows gives, interleaved, and zeros beyond the last row.
void check_panels(const Features& features) {
  const int64_t n = features.view.rows, d = features.view.columns;
  const Panels& panels = features.panels(kCall);
  CHECK(panels.depth == d && panels.count == (n + kPanel - 1) / kPanel, n, d);
  std::vector<double> buffer(d);
  std::vector<float> row(d);
  for (int64_t i = 0; i < panels.count * kPanel; ++i) {
    std::fill(row.begin(), row.end(), 0.0f);
    double lost = 0;
    if (i < n) lost = features.pack_row(i, buffer.data(), row.data()).lost;
    for (int64_t c = 0; c < d; ++c)
      CHECK(panels.panel(i / kPanel)[c * kPanel + i % kPanel] == row[c], "at", i, c, "n", n);
    if (i < n) CHECK(panels.rows.residuals[i] >= std::sqrt(lost), "row", i, "n", n, "d", d);
  }
}

constexpr Type kTypes[] = {Type::float16, Type::bfloat16, Type::float32, Type::float64, Type::bool8,
                           Type::int8,    Type::int16,    Type::int32,   Type::int64,   Type::uint8,
                           Type::uint16,  Type::uint32,   Type::uint64};

}  // namespace

TEST(features_read_every_type_and_layout) {
  for (const Type type : kTypes)
    for (const Layout layout : {Layout::contiguous, Layout::padded, Layout::reversed,
                                Layout::transposed, Layout::unaligned})
      for (const int64_t d : {1, 2, 17, 64}) {
        const Stored stored(integers(33, d, d), type, layout);
        const Features features(stored.view(), false, Centre::mean, kCall);
        std::vector<double> row(d);
        for (int64_t i = 0; i < 33; ++i) {
          features.read_plain(i, row.data());
          for (int64_t c = 0; c < d; ++c)
            CHECK(row[c] == stored.values().row(i)[c], "type", static_cast<int>(type), "layout",
                  static_cast<int>(layout), "d", d, "at", i, c);
        }
      }
}

TEST(features_read_every_half) {
  // Powers of two from the least subnormal on, and what lies between them.
  Matrix rows(2, 40);
  for (int c = 0; c < 40; ++c) {
    rows.row(0)[c] = std::ldexp(1.0, c - 24);
    rows.row(1)[c] = -1.37 * std::ldexp(1.0, c - 25);
  }
  const Stored stored(rows, Type::float16);
  const Features features(stored.view(), false, Centre::mean, kCall);
  std::vector<double> row(40);
  for (int i = 0; i < 2; ++i) {
    features.read_plain(i, row.data());
    for (int c = 0; c < 40; ++c) CHECK(row[c] == stored.values().row(i)[c], "at", i, c);
  }
}

TEST(features_centre_scale_and_pack) {
  for (const NamedFactory& data : kAwkward)
    for (const int64_t n : {1, 2, 5, 31, 32, 33, 129})
      for (const int64_t d : {1, 2, 17, 64}) {
        const Stored stored(data.make(n, d, n + d), Type::float64);
        const Features features(stored.view(), false, Centre::mean, kCall);
        CHECK(features.usable(), data.name);
        for (int64_t c = 0; c < d; ++c) {
          long double mean = 0, size = 0;
          for (int64_t i = 0; i < n; ++i) {
            mean += stored.values().row(i)[c];
            size = std::max<long double>(size, std::abs(stored.values().row(i)[c]));
          }
          CHECK_NEAR(features.centre[c], mean / n, 1e-14 * size, data.name, "n", n, "feature", c);
        }
        double largest = 0;
        for (const double norm : features.centred_norms) largest = std::max(largest, norm);
        int exponent;
        CHECK(std::frexp(features.scale, &exponent) == 0.5, "a power of two", features.scale);
        if (features.constant()) CHECK(largest == 0 && features.scale == 1, data.name, n);
        else CHECK(largest > 0.499999 && largest <= 1, largest, data.name, "n", n, "d", d);
        check_packing<float>(features, stored.values(), 0x1p-24);
        check_packing<uint16_t>(features, stored.values(), 0x1.01p-8);
        check_panels(features);
      }
}

TEST(features_of_unit_rows_and_of_queries) {
  const Stored stored(heavy_tailed(70, 17, 1), Type::float32);
  const Features unit(stored.view(), true, Centre::mean, kCall);
  std::vector<double> row(17);
  for (int64_t i = 0; i < 70; ++i) {
    unit.read_plain(i, row.data());
    double square = 0;
    for (const double value : row) square += value * value;
    CHECK_NEAR(square, 1, 1e-14, "row", i);
  }
  const Features queries(stored.view(), unit, kCall);
  CHECK(queries.centre == unit.centre && queries.unit && queries.scale == unit.scale);
}

TEST(features_robust_centre_ignores_a_far_row) {
  Matrix rows = gaussian(200, 9, 1);
  for (int c = 0; c < 9; ++c) rows.row(77)[c] = 1e9;
  const Stored stored(rows, Type::float64);
  const Features robust(stored.view(), false, Centre::robust, kCall);
  for (const double value : robust.centre) CHECK(std::abs(value) < 0.5, value);
}

TEST(features_say_what_is_wrong) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {infinity, -infinity, std::numeric_limits<double>::quiet_NaN()})
    for (const int64_t place : {0, 40, 299}) {
      Matrix rows = gaussian(300, 5, 1);
      rows.row(place)[4] = bad;
      rows.row(299)[0] = bad;
      const Stored stored(rows, Type::float32);
      for (const bool unit : {false, true}) {
        const Features features(stored.view(), unit, Centre::robust, kCall);
        CHECK(features.first_nonfinite == place && !features.usable(), place, bad);
      }
    }
  Matrix rows = gaussian(300, 5, 1);
  for (const int64_t place : {3, 200}) std::fill_n(rows.row(place), 5, -0.0);
  const Stored zeros(rows, Type::float16);
  const Features unit(zeros.view(), true, Centre::mean, kCall);
  CHECK((unit.zero_rows == std::vector<int64_t>{3, 200}) && !unit.usable());
  CHECK(Features(zeros.view(), false, Centre::mean, kCall).usable());
  rows.row(7)[0] = 1e160;
  const Stored large(rows, Type::float64);
  const Features features(large.view(), false, Centre::mean, kCall);
  CHECK(features.overflows && !features.usable() && features.first_nonfinite < 0);
}

TEST(features_of_equal_rows_are_at_distance_zero) {
  const Stored stored(duplicated(129, 300, 5), Type::float32);
  const Features features(stored.view(), false, Centre::mean, kCall);
  const std::vector<float>& half = features.half_norms(kCall);
  const Panels& panels = features.panels(kCall);
  for (int64_t p = 0; p < panels.count; ++p)
    for (int64_t q = 0; q < panels.count; ++q) {
      alignas(64) float tile[kTile];
      tile_kernels().multiply(panels.panel(p), panels.panel(q), panels.depth, tile);
      for (int64_t i = p * kPanel; i < std::min<int64_t>(129, (p + 1) * kPanel); ++i)
        for (int64_t j = q * kPanel; j < std::min<int64_t>(129, (q + 1) * kPanel); ++j)
          if (std::equal(stored.values().row(i), stored.values().row(i) + 300,
                         stored.values().row(j)))
            CHECK(tile[i % kPanel * kPanel + j % kPanel] == half[i] + half[j], i, j);
    }
}
