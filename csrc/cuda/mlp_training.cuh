// A network in the hands of its block: forward, backward and AdamW. All threads take part in all.
#pragma once

#include <cmath>

#include "block_sums.cuh"
#include "mlp_losses.cuh"
#include "mlp_order.cuh"
#include "mlp_products.cuh"

namespace mmkernels::cuda {

inline constexpr double kFirstDecay = 0.9, kSecondDecay = 0.999;  // of AdamW
inline constexpr float kBesideRoot = 1e-8f;
inline constexpr float kBesideNorm = 1e-6f;  // as PyTorch clips

// What the threads of a block share of its network, in shared memory: they read it again where they
// need it, and keep their registers for products. Samples of a chunk are columns, `chunk` numbers
// apart; all rows begin at multiples of 16 bytes.
template <bool kInShared>
struct Worked {
  double slots[kBlockSumBytes / sizeof(double)];
  int counts[kOrderCounts];
  BatchOrder order;
  EnsembleNetwork network;
  BlockLayout layout;

  static constexpr int kBytes = 1024;  // of shared memory, before the numbers

  __device__ __forceinline__ float* numbers() const {
    return kInShared ? reinterpret_cast<float*>(ptx::shared() + kBytes) : network.scratch;
  }
  __device__ __forceinline__ float* parameters() const { return numbers(); }
  __device__ __forceinline__ float* gradient() const { return numbers() + layout.gradient_at; }
  __device__ __forceinline__ float* row(int layer) const {
    return numbers() + layout.activations_at + network.shape.activation_row(layer) * network.chunk;
  }
  __device__ __forceinline__ float* errors(int layer) const {
    const int turn = (network.shape.depth - layer) & 1;
    return numbers() + layout.errors_at + turn * network.shape.error_rows() * network.chunk;
  }
};

// Columns 0 .. count - 1 of the first rows; to the end of their quad, zeros.
template <bool kInShared>
__device__ __forceinline__ void load_inputs(const Worked<kInShared>& net, const Samples& samples,
                                            const uint32_t* visited, int64_t first, int count) {
  const int width = net.network.shape.rows_in(0), quarters = width / kSide;
  const int columns = padded(count);
  for (int item = ptx::thread(); item < quarters * net.network.chunk; item += ptx::threads()) {
    const int s = item % net.network.chunk, quarter = item / net.network.chunk;
    if (s >= columns) continue;
    Four values{};
    if (s < count) {
      const int64_t sample = visited ? visited[first + s] : first + s;
      values = load_four(samples.inputs + sample * width + quarter * kSide);
    }
    for (int i = 0; i < kSide; ++i) net.row(0)[(quarter * kSide + i) * net.network.chunk + s] = values.of[i];
  }
  ptx::sync_threads();
}

template <bool kInShared>
__device__ __forceinline__ float activated(const Worked<kInShared>& net, float x) {
  return net.network.is_tanh ? tanhf(x) : x > 0 ? x : x * net.network.slope;
}

// Errors before an activation, of those after it and of its result.
template <bool kInShared>
__device__ __forceinline__ float before_activation(const Worked<kInShared>& net, float error, float result) {
  return net.network.is_tanh ? error * (1 - result * result) : result > 0 ? error : error * net.network.slope;
}

// Activations of every layer; the head's outputs lie where the head's errors will.
template <bool kInShared>
__device__ __forceinline__ void forward(const Worked<kInShared>& net, int quads) {
  const int pitch = net.network.chunk, all_quads = net.network.chunk / kSide;
  for (int layer = 0; layer <= net.network.shape.depth; ++layer) {
    const bool is_head = layer == net.network.shape.depth;
    const int depth = net.network.shape.rows_in(layer);
    const float* weights = net.parameters() + net.network.shape.weights_at(layer);
    const float* bias = net.parameters() + net.network.shape.bias_at(layer);
    float* to = is_head ? net.errors(layer) : net.row(layer + 1);
    const int items = net.network.shape.rows_out(layer) / kSide * all_quads;
    for (int item = ptx::thread(); item < items; item += ptx::threads()) {
      const int quad = item % all_quads, unit = item / all_quads * kSide;
      if (quad >= quads) continue;
      Block sums;
      const Four start = load_four(bias + unit);
      for (int i = 0; i < kSide; ++i)
        for (int s = 0; s < kSide; ++s) sums[i][s] = start.of[i];
      add_products<false>(sums, weights + unit * depth, depth, net.row(layer) + quad * kSide, pitch,
                          depth);
      for (int i = 0; i < kSide; ++i) {
        if (!is_head)
          for (int s = 0; s < kSide; ++s) sums[i][s] = activated(net, sums[i][s]);
        store_four(to + (unit + i) * pitch + quad * kSide, sums[i]);
      }
    }
    ptx::sync_threads();
  }
}

// Adds to the gradient, or begins it, from the errors of the head.
template <bool kInShared>
__device__ __forceinline__ void backward(const Worked<kInShared>& net, int quads, bool begins) {
  const int pitch = net.network.chunk, all_quads = net.network.chunk / kSide;
  for (int layer = net.network.shape.depth; layer >= 0; --layer) {
    const int rows_in = net.network.shape.rows_in(layer), rows_out = net.network.shape.rows_out(layer);
    const int weights_at = net.network.shape.weights_at(layer);
    const float *errors = net.errors(layer), *x = net.row(layer);
    add_gradient(net.gradient() + weights_at, net.gradient() + net.network.shape.bias_at(layer), rows_out,
                 rows_in, errors, x, pitch, quads, begins);
    const int items = layer == 0 ? 0 : rows_in / kSide * all_quads;
    for (int item = ptx::thread(); item < items; item += ptx::threads()) {
      const int quad = item % all_quads, unit = item / all_quads * kSide;
      if (quad >= quads) continue;
      Block sums{};
      add_products<true>(sums, net.parameters() + weights_at + unit, rows_in, errors + quad * kSide,
                         pitch, rows_out);
      for (int i = 0; i < kSide; ++i) {
        const Four result = load_four(x + (unit + i) * pitch + quad * kSide);
        for (int s = 0; s < kSide; ++s)
          sums[i][s] = before_activation(net, sums[i][s], result.of[s]);
        store_four(net.errors(layer - 1) + (unit + i) * pitch + quad * kSide, sums[i]);
      }
    }
    ptx::sync_threads();
  }
}

// A step of AdamW along the gradient, scaled where its norm exceeds the clip. A barrier must follow.
template <bool kInShared>
__device__ __forceinline__ void update(Worked<kInShared>& net, Progress& progress, float clip) {
  const float* gradient = net.gradient();
  float* parameters = net.parameters();
  float *firsts = net.network.first, *seconds = net.network.second;
  const int count = net.network.shape.parameters();
  double squares = 0;
  for (int i = ptx::thread(); i < count; i += ptx::threads())
    squares += static_cast<double>(gradient[i]) * gradient[i];
  const float norm = static_cast<float>(sqrt(sum_of_block(squares, net.slots)));
  const float ratio = clip / (norm + kBesideNorm);
  const float scale = ratio >= 1 ? 1.0f : ratio;  // NaN stays NaN
  progress.first_power *= kFirstDecay;
  progress.second_power *= kSecondDecay;
  const float rate = static_cast<float>(net.network.learning_rate / (1 - progress.first_power));
  const float of_root = static_cast<float>(1 / sqrt(1 - progress.second_power));
  const float to_first = static_cast<float>(1 - kFirstDecay);
  const float kept_second = static_cast<float>(kSecondDecay);
  const float to_second = static_cast<float>(1 - kSecondDecay);
  for (int i = ptx::thread(); i < count; i += ptx::threads()) {
    const float slope = gradient[i] * scale;
    const float first = firsts[i] + (slope - firsts[i]) * to_first;
    const float second = seconds[i] * kept_second + slope * slope * to_second;
    firsts[i] = first;
    seconds[i] = second;
    parameters[i] = parameters[i] * net.network.kept -
                        rate * (first / (sqrtf(second) * of_root + kBesideRoot));
  }
}

}  // namespace mmkernels::cuda
