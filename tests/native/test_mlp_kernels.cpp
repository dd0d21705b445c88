// What mlp_kernels.hpp offers, against sums in float64, at sizes around those of registers.
#include "cpu/mlp_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "check.hpp"
#include "core/aligned_buffer.hpp"
#include "samples.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

const MlpKernels& kernels() { return mlp_kernels(); }

// At a cache line's start and of no more than its size.
AlignedBuffer<float> random(int64_t count, uint64_t seed) {
  const Matrix matrix = gaussian(1, count, seed);
  AlignedBuffer<float> values = make_aligned<float>(count);
  std::copy(matrix.values.begin(), matrix.values.end(), values.get());
  return values;
}

// A block whose rows are 0 behind the last sample, as errors must be.
AlignedBuffer<float> random_block(int rows, int samples, uint64_t seed) {
  AlignedBuffer<float> block = random(int64_t{rows} * kBlockSamples, seed);
  for (int r = 0; r < rows; ++r)
    std::fill_n(block.get() + r * kBlockSamples + samples, kBlockSamples - samples, 0.0f);
  return block;
}

// The samples that kernels work on where there are so many: those of two registers at a time.
int filled(int samples) {
  const int group = 2 * kernels().lanes;
  return (samples + group - 1) / group * group;
}

struct Size {
  int inputs, units, samples;
};
const Size kSizes[] = {{1, 1, 1},    {12, 12, 128}, {12, 4, 127}, {5, 7, 16},   {13, 11, 33},
                       {32, 32, 64}, {100, 3, 9},   {3, 31, 65},  {17, 26, 100}};

// Units in the last place of float32 between a value and what it should be.
double ulps(float found, double wanted) {
  int exponent;
  std::frexp(wanted, &exponent);
  return std::abs(found - wanted) / std::ldexp(1.0, exponent - 24);
}

AlignedBuffer<float> grid(int64_t count, float low, float high) {
  AlignedBuffer<float> x = make_aligned<float>(count);
  for (int64_t i = 0; i < count; ++i)
    x[i] = low + (high - low) * (static_cast<float>(i) / static_cast<float>(count - 1));
  return x;
}

template <class Function>
void check_function(void (*found)(float*, int64_t), Function wanted, float low, float high,
                    double most) {
  constexpr int64_t count = 1 << 16;
  const AlignedBuffer<float> x = grid(count, low, high);
  AlignedBuffer<float> y = grid(count, low, high);
  found(y.get(), count);
  for (int64_t i = 0; i < count; ++i)
    CHECK(ulps(y[i], wanted(static_cast<double>(x[i]))) <= most, x[i], y[i]);
}

}  // namespace

TEST(mlp_exponentials) {
  const auto exp = [](double x) { return std::exp(x); };
  check_function(kernels().exponentials, exp, -87.0f, 0.0f, 2);
  check_function(kernels().exponentials, exp, -0.01f, 0.0f, 2);
  AlignedBuffer<float> x = make_aligned<float>(16);
  std::fill_n(x.get(), 16, -1e30f);
  x[1] = -INFINITY;
  x[2] = NAN;
  kernels().exponentials(x.get(), 16);
  CHECK(x[0] >= 0 && x[0] < 1e-37f && x[1] == x[0] && std::isnan(x[2]), x[0], x[1], x[2]);
}

TEST(mlp_logarithms) {
  const auto log = [](double x) { return std::log(x); };
  check_function(kernels().logarithms, log, 1.0f, 33.0f, 2);
  check_function(kernels().logarithms, log, 1.0f, 1.01f, 2);
  check_function(kernels().logarithms, log, 1e-30f, 1e-3f, 2);
  AlignedBuffer<float> x = make_aligned<float>(16);
  std::fill_n(x.get(), 16, NAN);
  kernels().logarithms(x.get(), 16);
  CHECK(std::isnan(x[0]));
}

TEST(mlp_tanh) {
  for (const float reach : {1e-6f, 0.1f, 1.0f, 10.0f, 1e30f}) {
    AlignedBuffer<float> x = grid(kBlockSamples, -reach, reach);
    kernels().tanh(x.get(), 1, kBlockSamples);
    const AlignedBuffer<float> given = grid(kBlockSamples, -reach, reach);
    for (int s = 0; s < kBlockSamples; ++s) {
      const double wanted = std::tanh(static_cast<double>(given[s]));
      CHECK(x[s] == wanted || ulps(x[s], wanted) <= 4, given[s], x[s], wanted);
    }
  }
}

TEST(mlp_forward) {
  for (const auto& [inputs, units, samples] : kSizes) {
    const auto parameters = random(int64_t{units} * (inputs + 1), 1);
    const auto in = random(int64_t{inputs} * kBlockSamples, 2);
    auto out = random(int64_t{units} * kBlockSamples, 3);
    kernels().forward(parameters.get(), inputs, units, in.get(), samples, 0.25f, out.get());
    for (int u = 0; u < units; ++u)
      for (int s = 0; s < samples; ++s) {
        double sum = parameters[units * inputs + u], size = std::abs(sum);
        for (int i = 0; i < inputs; ++i) {
          const double term = double{parameters[u * inputs + i]} * in[i * kBlockSamples + s];
          sum += term;
          size += std::abs(term);
        }
        CHECK_NEAR(out[u * kBlockSamples + s], sum < 0 ? sum / 4 : sum, 6e-8 * (inputs + 2) * size,
                   inputs, units, samples, "at", u, s);
      }
  }
}

TEST(mlp_backward) {
  for (const auto& [inputs, units, samples] : kSizes) {
    const auto parameters = random(int64_t{units} * (inputs + 1), 1);
    const auto errors = random_block(units, samples, 2);
    const auto in = random(int64_t{inputs} * kBlockSamples, 3);
    auto below = random(int64_t{inputs} * kBlockSamples, 4);
    kernels().backward(parameters.get(), inputs, units, errors.get(), in.get(), samples, 0.25f,
                       below.get());
    for (int i = 0; i < inputs; ++i)
      for (int s = 0; s < samples; ++s) {
        double sum = 0, size = 0;
        for (int u = 0; u < units; ++u) {
          const double term = double{parameters[u * inputs + i]} * errors[u * kBlockSamples + s];
          sum += term;
          size += std::abs(term);
        }
        const double wanted = in[i * kBlockSamples + s] > 0 ? sum : sum / 4;
        CHECK_NEAR(below[i * kBlockSamples + s], wanted, 6e-8 * (units + 2) * size, inputs, units,
                   samples, "at", i, s);
      }
  }
}

TEST(mlp_accumulate_and_reduce) {
  const int lanes = kernels().lanes;
  for (const auto& [inputs, units, samples] : kSizes) {
    const auto errors = random_block(units, samples, 1);
    const auto in = random(int64_t{inputs} * kBlockSamples, 2);
    const int64_t count = int64_t{units} * (inputs + 1);
    const int64_t padded = (count + lanes - 1) / lanes * lanes;
    auto sums = make_aligned<float>(padded * lanes), gradient = make_aligned<float>(padded);
    std::fill_n(sums.get(), count * lanes, NAN);  // to be overwritten by the first block
    std::fill(sums.get() + count * lanes, sums.get() + padded * lanes, 0.0f);
    for (const bool afresh : {true, false})
      kernels().accumulate(errors.get(), in.get(), inputs, units, samples, afresh, sums.get());
    const double squares = kernels().reduce(sums.get(), padded, gradient.get());
    double wanted_squares = 0;
    for (int u = 0; u < units; ++u)
      for (int i = 0; i <= inputs; ++i) {
        double sum = 0, size = 0;
        for (int s = 0; s < samples; ++s) {
          const double value = i < inputs ? in[i * kBlockSamples + s] : 1.0;
          const double term = 2 * double{errors[u * kBlockSamples + s]} * value;
          sum += term;
          size += std::abs(term);
        }
        const float found = gradient[i < inputs ? u * inputs + i : units * inputs + u];
        CHECK_NEAR(found, sum, 6e-8 * (2 * samples + 6) * size, inputs, units, samples, "at", u, i);
        wanted_squares += double{found} * found;
      }
    CHECK_NEAR(squares, wanted_squares, 1e-14 * wanted_squares);
  }
}

TEST(mlp_cross_entropy) {
  for (const int outputs : {2, 4, 5, 32})
    for (const int samples : {1, 15, 32, 77, 128}) {
      auto logits = random(int64_t{outputs} * kBlockSamples, 1);
      for (int i = 0; i < outputs * kBlockSamples; ++i) logits[i] *= i % 3 ? 2.0f : 30.0f;
      logits[0] = logits[kBlockSamples];  // of equal logits, the first is the prediction
      auto classes = make_aligned<float>(kBlockSamples);
      for (int s = 0; s < kBlockSamples; ++s) classes[s] = static_cast<float>(s * 7 % outputs);
      auto errors = random(int64_t{outputs} * kBlockSamples, 2);
      const LossSums found = kernels().cross_entropy(logits.get(), classes.get(), outputs, samples,
                                                     0.5f, errors.get());
      double loss = 0, hits = 0;
      for (int s = 0; s < samples; ++s) {
        int best = 0;
        for (int k = 1; k < outputs; ++k)
          if (logits[k * kBlockSamples + s] > logits[best * kBlockSamples + s]) best = k;
        const double largest = logits[best * kBlockSamples + s];
        double sum = 0;
        for (int k = 0; k < outputs; ++k) sum += std::exp(logits[k * kBlockSamples + s] - largest);
        const int own = static_cast<int>(classes[s]);
        loss += std::log(sum) + largest - logits[own * kBlockSamples + s];
        hits += best == own;
        for (int k = 0; k < outputs; ++k) {
          const double wanted =
              0.5 * (std::exp(logits[k * kBlockSamples + s] - largest) / sum - (k == own));
          CHECK_NEAR(errors[k * kBlockSamples + s], wanted, 5e-7, outputs, samples, "at", k, s);
        }
      }
      CHECK_NEAR(found.loss, loss, 1e-6 * loss, outputs, samples);
      CHECK(found.score == hits, outputs, samples, found.score, hits);
      for (int k = 0; k < outputs; ++k)
        for (int s = samples; s < filled(samples); ++s) CHECK(errors[k * kBlockSamples + s] == 0, k, s);
      const LossSums again =
          kernels().cross_entropy(logits.get(), classes.get(), outputs, samples, 0.5f, nullptr);
      CHECK(again.loss == found.loss && again.score == found.score);
    }
}

TEST(mlp_regression_losses) {
  for (const bool squared : {false, true})
    for (const int outputs : {1, 3, 32})
      for (const int samples : {1, 15, 32, 77, 128}) {
        const auto predicted = random(int64_t{outputs} * kBlockSamples, 1);
        auto targets = random(int64_t{outputs} * kBlockSamples, 2);
        targets[0] = predicted[0];  // where the derivative of a distance is 0
        auto errors = random(int64_t{outputs} * kBlockSamples, 3);
        const LossSums found = (squared ? kernels().mse : kernels().l1)(
            predicted.get(), targets.get(), outputs, samples, 0.5f, errors.get());
        double loss = 0, distances = 0;
        for (int k = 0; k < outputs; ++k)
          for (int s = 0; s < kBlockSamples; ++s) {
            const int at = k * kBlockSamples + s;
            const double d = s < samples ? double{predicted[at]} - targets[at] : 0.0;
            loss += squared ? d * d : std::abs(d);
            distances += std::abs(d);
            const double sign = d > 0 ? 0.5 : d < 0 ? -0.5 : 0.0;
            if (s < samples) CHECK_NEAR(errors[at], squared ? d : sign, 1e-6, k, s);
          }
        CHECK_NEAR(found.loss, loss, 3e-6 * loss, outputs, samples);
        CHECK_NEAR(found.score, distances, 3e-6 * distances, outputs, samples);
      }
}

TEST(mlp_adamw) {
  constexpr int64_t count = 48;
  const auto gradient = random(count, 1);
  auto mean = random(count, 2), square = random(count, 3), values = random(count, 4);
  std::vector<double> wanted_mean(count), wanted_square(count), wanted(count);
  const AdamwStep step{.clip = 0.5f, .decay = 0.875f, .rate = 0.125f, .root_correction = 0.25f};
  for (int64_t p = 0; p < count; ++p) {
    square[p] = std::abs(square[p]);
    const double g = 0.5 * gradient[p];
    wanted_mean[p] = 0.9 * mean[p] + 0.1 * g;
    wanted_square[p] = 0.999 * square[p] + 0.001 * g * g;
    wanted[p] = 0.875 * values[p] -
                0.125 * wanted_mean[p] / (std::sqrt(wanted_square[p]) / 0.25 + 1e-8);
  }
  kernels().adamw(step, gradient.get(), count, mean.get(), square.get(), values.get());
  for (int64_t p = 0; p < count; ++p) {
    CHECK_NEAR(mean[p], wanted_mean[p], 1e-6, p);
    CHECK_NEAR(square[p], wanted_square[p], 1e-6, p);
    CHECK_NEAR(values[p], wanted[p], 1e-6 * (1 + std::abs(wanted[p])), p);
  }
}

TEST(mlp_order_and_gather) {
  for (const int64_t n : {1, 5, 64, 300, 1000}) {
    const BatchOrder order = batch_order(3, n, n);
    std::vector<uint32_t> wanted, found(n + 1);
    for (int64_t place = 0; place < order.domain; ++place)
      if (const uint32_t sample = ordered(order, static_cast<uint32_t>(place)); sample < n)
        wanted.push_back(sample);
    kernels().order(order, n, found.data());
    found.pop_back();
    CHECK(found == wanted, n);
    for (const int width : {1, 12, 16, 35}) {
      const int64_t stride = (width + 15) / 16 * 16;
      const auto rows = random(n * stride, 1);
      auto block = random(int64_t{width} * kBlockSamples, 2);
      const int samples = static_cast<int>(std::min<int64_t>(n, 101));
      kernels().gather(rows.get(), stride, width, found.data(), samples, block.get());
      for (int w = 0; w < width; ++w)
        for (int s = 0; s < samples; ++s)
          CHECK(block[w * kBlockSamples + s] == rows[found[s] * stride + w], n, width, w, s);
      for (int w = 0; w < width; ++w)
        for (int s = samples; s < filled(samples); ++s)
          CHECK(block[w * kBlockSamples + s] == 0, n, width, w, s);
    }
  }
}
