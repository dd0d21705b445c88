// Linear layers of a block of samples, forward and backward; see mlp_kernels_body.hpp.
#pragma once

#include "vectors_body.hpp"

namespace mmkernels::cpu::MMK_NAMESPACE {
namespace {

// Two vectors of samples are worked on at a time: each broadcast weight serves both.
constexpr int kGroup = 2 * kLanes;

template <int Value>
struct Constant {
  static constexpr int value = Value;
};

// body(Constant<n>) for 1 <= n <= Most.
template <int Most, class Body>
inline void with_constant(int n, const Body& body) {
  if constexpr (Most == 1)
    body(Constant<1>{});
  else if (n == Most)
    body(Constant<Most>{});
  else
    with_constant<Most - 1>(n, body);
}

// body(first, Constant<count>) for parts of nearly equal size, of at most Most each: a small last
// one would wait for its sums.
template <int Most, class Body>
inline void in_parts(int total, const Body& body) {
  int parts = (total + Most - 1) / Most;
  for (int first = 0; first < total; --parts) {
    const int count = (total - first + parts - 1) / parts;
    with_constant<Most>(count, [&](auto size) { body(first, size); });
    first += count;
  }
}

// finish(r, s, sum) of sum = start(r) + sum over c of matrix(r, c) * in[c][s .. s + kLanes), for
// Rows rows r and every group of samples s.
template <int Rows, class Start, class Matrix, class Finish>
inline void multiply_samples(int columns, const float* in, int samples, const Start& start,
                             const Matrix& matrix, const Finish& finish) {
  for (int s = 0; s < samples; s += kGroup) {
    Float sum[Rows][2];
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) sum[r][0] = sum[r][1] = Float{} + start(r);
    for (int c = 0; c < columns; ++c) {
      const Float first = aligned(in + c * kBlockSamples + s);
      const Float second = aligned(in + c * kBlockSamples + s + kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const float weight = matrix(r, c);
        sum[r][0] += weight * first;
        sum[r][1] += weight * second;
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      finish(r, s, sum[r][0]);
      finish(r, s + kLanes, sum[r][1]);
    }
  }
}

void forward(const float* parameters, int inputs, int units, const float* in, int samples,
             float slope, float* out) {
  const float* biases = parameters + static_cast<int64_t>(units) * inputs;
  in_parts<MMK_UNITS>(units, [&](int first, auto rows) {
    const float* weight = parameters + static_cast<int64_t>(first) * inputs;
    const float* bias = biases + first;
    float* target = out + first * kBlockSamples;
    multiply_samples<decltype(rows)::value>(
        inputs, in, samples, [=](int r) { return bias[r]; },
        [=](int r, int c) { return weight[static_cast<int64_t>(r) * inputs + c]; },
        [=](int r, int s, Float sum) {
          aligned(target + r * kBlockSamples + s) = sum < 0.0f ? sum * slope : sum;
        });
  });
}

void backward(const float* parameters, int inputs, int units, const float* errors, const float* in,
              int samples, float slope, float* below) {
  in_parts<MMK_UNITS>(inputs, [&](int first, auto rows) {
    const float* weight = parameters + first;
    const float* values = in + first * kBlockSamples;
    float* target = below + first * kBlockSamples;
    multiply_samples<decltype(rows)::value>(
        units, errors, samples, [](int) { return 0.0f; },
        [=](int r, int c) { return weight[static_cast<int64_t>(c) * inputs + r]; },
        [=](int r, int s, Float sum) {
          const Float value = aligned(values + r * kBlockSamples + s);
          aligned(target + r * kBlockSamples + s) = value > 0.0f ? sum : sum * slope;
        });
  });
}

// Units x Inputs of the gradient, kept in registers while the samples pass.
template <int Units, int Inputs>
inline void accumulate_tile(const float* errors, const float* in, int64_t inputs, int samples,
                            bool afresh, float* sums) {
  Float sum[Units][Inputs] = {};
  if (!afresh) {
#pragma GCC unroll 8
    for (int u = 0; u < Units; ++u)
#pragma GCC unroll 8
      for (int i = 0; i < Inputs; ++i) sum[u][i] = aligned(sums + (u * inputs + i) * kLanes);
  }
  for (int s = 0; s < samples; s += kLanes) {
    Float error[Units];
#pragma GCC unroll 8
    for (int u = 0; u < Units; ++u) error[u] = aligned(errors + u * kBlockSamples + s);
#pragma GCC unroll 8
    for (int i = 0; i < Inputs; ++i) {
      const Float value = aligned(in + i * kBlockSamples + s);
#pragma GCC unroll 8
      for (int u = 0; u < Units; ++u) sum[u][i] += error[u] * value;
    }
  }
#pragma GCC unroll 8
  for (int u = 0; u < Units; ++u)
#pragma GCC unroll 8
    for (int i = 0; i < Inputs; ++i) aligned(sums + (u * inputs + i) * kLanes) = sum[u][i];
}

void accumulate(const float* errors, const float* in, int inputs, int units, int samples,
                bool afresh, float* sums) {
  float* bias_sums = sums + static_cast<int64_t>(units) * inputs * kLanes;
  in_parts<MMK_GRADIENT_UNITS>(units, [&](int u, auto rows) {
    constexpr int count = decltype(rows)::value;
    const float* error = errors + u * kBlockSamples;
    in_parts<MMK_GRADIENT_INPUTS>(inputs, [&](int i, auto columns) {
      accumulate_tile<count, decltype(columns)::value>(
          error, in + i * kBlockSamples, inputs, samples, afresh,
          sums + (static_cast<int64_t>(u) * inputs + i) * kLanes);
    });
    Float bias[count] = {};
    if (!afresh) {
#pragma GCC unroll 8
      for (int r = 0; r < count; ++r) bias[r] = aligned(bias_sums + (u + r) * kLanes);
    }
    for (int s = 0; s < samples; s += kLanes)
#pragma GCC unroll 8
      for (int r = 0; r < count; ++r) bias[r] += aligned(error + r * kBlockSamples + s);
#pragma GCC unroll 8
    for (int r = 0; r < count; ++r) aligned(bias_sums + (u + r) * kLanes) = bias[r];
  });
}

void apply_tanh(float* values, int rows, int samples) {
  for (int r = 0; r < rows; ++r)
    for (int s = 0; s < samples; s += kLanes) {
      Float& value = aligned(values + r * kBlockSamples + s);
      value = hyperbolic_tangent(value);
    }
}

void tanh_derivative(const float* values, int rows, int samples, float* errors) {
  for (int r = 0; r < rows; ++r)
    for (int s = 0; s < samples; s += kLanes) {
      const Float value = aligned(values + r * kBlockSamples + s);
      aligned(errors + r * kBlockSamples + s) *= 1.0f - value * value;
    }
}

}  // namespace
}  // namespace mmkernels::cpu::MMK_NAMESPACE
