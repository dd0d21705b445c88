// The 16-bit formats of the shim, over all their values.
#include <bit>
#include <cmath>
#include <limits>

#include <device/ptx.cuh>

#include "check.hpp"

namespace ptx = mmkernels::cuda::ptx;

namespace {

constexpr uint16_t kSign = 0x8000;

// A 16-bit format, its largest finite value, and the exponent of its smallest step.
struct Format {
  const char* name;
  uint16_t (*to)(float);
  float (*from)(uint16_t);
  uint16_t infinity;
  int smallest_step;
  int fraction_bits;
};

const Format kHalf{"half", ptx::to_half, ptx::from_half, 0x7c00, -24, 10};
const Format kBfloat16{"bfloat16", ptx::to_bfloat16, ptx::from_bfloat16, 0x7f80, -133, 7};

// The step from a finite value of the format to the next larger one.
double step_after(const Format& format, uint16_t bits) {
  const int exponent = bits >> format.fraction_bits;
  return std::ldexp(1.0, format.smallest_step + (exponent > 0 ? exponent - 1 : 0));
}

}  // namespace

TEST(formats_have_the_values_they_should) {
  for (const Format& format : {kHalf, kBfloat16}) {
    CHECK(format.from(0) == 0 && !std::signbit(format.from(0)), format.name);
    CHECK(format.from(kSign) == 0 && std::signbit(format.from(kSign)), format.name);
    for (uint16_t bits = 0; bits + 1 < format.infinity; ++bits) {
      const double step = double{format.from(bits + 1)} - double{format.from(bits)};
      CHECK(step == step_after(format, bits), format.name, bits);
      CHECK(format.from(bits | kSign) == -format.from(bits), format.name, bits);
    }
    CHECK(format.from(format.infinity) == INFINITY, format.name);
    CHECK(format.from(format.infinity | kSign) == -INFINITY, format.name);
    CHECK(std::isnan(format.from(format.infinity + 1)), format.name);
  }
  CHECK(ptx::from_half(0x3c00) == 1 && ptx::from_half(0x7bff) == 65504);
  CHECK(ptx::from_bfloat16(0x3f80) == 1 && ptx::from_bfloat16(0xc040) == -3);
}

TEST(all_16_bit_values_come_back) {
  for (const Format& format : {kHalf, kBfloat16})
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      const float value = format.from(static_cast<uint16_t>(bits));
      if (std::isnan(value))
        CHECK(std::isnan(format.from(format.to(value))), format.name, bits);
      else
        CHECK(format.to(value) == bits, format.name, bits);
    }
}

TEST(halfway_goes_to_even_and_the_rest_to_the_nearest) {
  for (const Format& format : {kHalf, kBfloat16})
    for (uint16_t bits = 0; bits < format.infinity; ++bits) {
      const double halfway = format.from(bits) + step_after(format, bits) / 2;
      const float middle = static_cast<float>(halfway);
      CHECK(middle == halfway, format.name, bits);
      // Beyond the largest value comes what would be the next one: infinity.
      const uint16_t even = bits % 2 ? bits + 1 : bits;
      CHECK(format.to(middle) == even, format.name, bits);
      CHECK(format.to(-middle) == (even | kSign), format.name, bits);
      CHECK(format.to(std::nextafter(middle, 0.0f)) == bits, format.name, bits);
      CHECK(format.to(std::nextafter(middle, INFINITY)) == bits + 1, format.name, bits);
    }
}

TEST(beyond_the_formats_are_zeros_and_infinities) {
  CHECK(ptx::to_half(0x1p-126f) == 0 && ptx::to_half(-0x1p-126f) == kSign);
  CHECK(ptx::to_half(0x1p-149f) == 0);
  CHECK(ptx::to_bfloat16(0x1p-149f) == 0);
  for (const Format& format : {kHalf, kBfloat16}) {
    CHECK(format.to(std::numeric_limits<float>::max()) == format.infinity, format.name);
    CHECK(format.to(-INFINITY) == (format.infinity | kSign), format.name);
  }
}

TEST(rounding_up_never_falls_below) {
  for (double x : {1.0, -1.0, 1.0 + 1e-12, -1.0 - 1e-12, 1e-60, -1e-60, 0.1, -0.1, 0.0, 3e38}) {
    const float up = ptx::round_up(x);
    CHECK(static_cast<double>(up) >= x, x);
    CHECK(static_cast<double>(std::nextafter(up, -INFINITY)) < x, x);
  }
  CHECK(ptx::round_up(1e39) == INFINITY);
}

TEST(exp2_is_near_and_flushes) {
  for (float x : {-125.5f, -3.25f, 0.0f, 0.5f, 10.75f})
    CHECK_NEAR(ptx::exp2_approximate(x) / std::exp2(double{x}), 1, 3e-7, x);
  CHECK(ptx::exp2_approximate(-126.5f) == 0);
  CHECK(ptx::exp2_approximate(-INFINITY) == 0);
}
