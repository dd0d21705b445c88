// exp, log and tanh of vectors; see mlp_kernels_body.hpp. Polynomials from Cephes (Moshier 1992).
#pragma once

#include "vectors_body.hpp"

namespace mmkernels::cpu::MMK_NAMESPACE {
namespace {

struct Exponential {
  Float power, rest;  // exp(x) = power + power * rest, with rest = exp(reduced) - 1
};

inline Exponential exponential_parts(Float x) {
  constexpr float log2_e = 1.44269504088896341f, ln2_high = 0.693359375f,
                  ln2_low = -2.12194440e-4f, round = 12582912.0f;
  const Float shifted = x * log2_e + round;
  const Float exponent = shifted - round;
  const Float reduced = (x - exponent * ln2_high) - exponent * ln2_low;
  Float rest = reduced * 1.9875691500e-4f + 1.3981999507e-3f;
  rest = rest * reduced + 8.3334519073e-3f;
  rest = rest * reduced + 4.1665795894e-2f;
  rest = rest * reduced + 1.6666665459e-1f;
  rest = rest * reduced + 5.0000001201e-1f;
  rest = rest * (reduced * reduced) + reduced;
  // The exponent stands in the lowest bits of the shifted number: no conversion is needed.
  const Int power = ((Int)shifted << 23) + (127 << 23);
  return {(Float)power, rest};
}

// For x <= 0, to 2 units in the last place down to -87, below which it is exp(-87). NaN stays NaN.
inline Float exponential(Float x) {
  const Exponential e = exponential_parts(x < -87.0f ? Float{} - 87.0f : x);
  return e.power * e.rest + e.power;
}

// For normal x > 0, to 2 units in the last place; NaN stays NaN.
inline Float logarithm(Float x) {
  const Int above_root = (Int)x - 0x3f3504f3;  // the bits of the root of 1/2
  const Float exponent = __builtin_convertvector(above_root >> 23, Float);
  const Float m = (Float)((above_root & 0x7fffff) + 0x3f3504f3) - 1.0f;
  const Float square = m * m;
  Float y = m * 7.0376836292e-2f - 1.1514610310e-1f;
  y = y * m + 1.1676998740e-1f;
  y = y * m - 1.2420140846e-1f;
  y = y * m + 1.4249322787e-1f;
  y = y * m - 1.6668057665e-1f;
  y = y * m + 2.0000714765e-1f;
  y = y * m - 2.4999993993e-1f;
  y = y * m + 3.3333331174e-1f;
  y = y * m * square + exponent * -2.12194440e-4f - square * 0.5f;
  const Float result = (m + y) + exponent * 0.693359375f;
  return x > 0.0f ? result : x;
}

// To 4 units in the last place: (exp(2x) - 1) / (exp(2x) + 1) without cancellation near 0.
inline Float hyperbolic_tangent(Float x) {
  // Beyond 9.02 the nearest float32 is 1.
  Float bounded = x > 9.02f ? Float{} + 9.02f : x;
  bounded = bounded < -9.02f ? Float{} - 9.02f : bounded;
  const Exponential e = exponential_parts(bounded + bounded);
  const Float minus_one = e.power * e.rest + (e.power - 1.0f);
  return minus_one / (minus_one + 2.0f);
}

}  // namespace
}  // namespace mmkernels::cpu::MMK_NAMESPACE
