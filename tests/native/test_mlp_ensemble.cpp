// The gradient of whole networks against finite differences in float64, and of a call its ends.
#include "cpu/mlp_ensemble.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "check.hpp"
#include "cpu/mlp_network.hpp"
#include "cpu/mlp_samples.hpp"
#include "operations.hpp"
#include "samples.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

struct Problem {
  MlpNetwork network;
  int inputs, outputs, samples;
  Loss loss;
};

// The mean loss of all samples, as a framework would define it.
double loss_of(const Problem& problem, const std::vector<double>& parameters, const Matrix& x,
               const Matrix& targets) {
  double total = 0;
  for (int s = 0; s < problem.samples; ++s) {
    std::vector<double> values(x.row(s), x.row(s) + problem.inputs);
    const double* own = parameters.data();
    for (int l = 0; l <= problem.network.depth; ++l) {
      const bool head = l == problem.network.depth;
      const size_t units = head ? problem.outputs : problem.network.width, inputs = values.size();
      std::vector<double> next(units);
      for (size_t u = 0; u < units; ++u) {
        double sum = own[units * inputs + u];
        for (size_t i = 0; i < inputs; ++i) sum += own[u * inputs + i] * values[i];
        if (!head && problem.network.activation == Activation::tanh) sum = std::tanh(sum);
        if (!head && problem.network.activation == Activation::rectifier && sum < 0)
          sum *= problem.network.slope;
        next[u] = sum;
      }
      own += units * (inputs + 1);
      values = next;
    }
    if (problem.loss == Loss::cross_entropy) {
      const double largest = *std::max_element(values.begin(), values.end());
      double sum = 0;
      for (const double value : values) sum += std::exp(value - largest);
      total += std::log(sum) + largest - values[static_cast<size_t>(targets.row(s)[0])];
      continue;
    }
    for (int k = 0; k < problem.outputs; ++k) {
      const double d = values[k] - targets.row(s)[k];
      total += (problem.loss == Loss::mse ? d * d : std::abs(d)) / problem.outputs;
    }
  }
  return total / problem.samples;
}

int64_t parameter_count(const Problem& problem) {
  const int width = problem.network.width;
  return int64_t{width} * (problem.inputs + 1) +
         int64_t{problem.network.depth - 1} * width * (width + 1) + problem.outputs * (width + 1);
}

void check_gradient(const Problem& problem) {
  const Matrix x = gaussian(problem.samples, problem.inputs, 1);
  const bool labels = problem.loss == Loss::cross_entropy;
  Matrix targets = gaussian(problem.samples, labels ? 1 : problem.outputs, 2);
  if (labels)
    for (int s = 0; s < problem.samples; ++s) targets.row(s)[0] = s % problem.outputs;
  const int64_t count = parameter_count(problem);
  std::vector<float> start(count);
  const Matrix drawn = gaussian(1, count, 3);
  for (int64_t p = 0; p < count; ++p) start[p] = static_cast<float>(0.4 * drawn.values[p]);

  MlpTrainee trainee(problem.network, problem.inputs, problem.outputs, problem.loss, start.data());
  CHECK(trainee.parameter_count() == count);
  const float scale = 1.0f / static_cast<float>(problem.samples * (labels ? 1 : problem.outputs));
  double found_loss = 0;
  for (int first = 0; first < problem.samples; first += kBlockSamples) {
    const int samples = std::min(kBlockSamples, problem.samples - first);
    const int64_t values = problem.inputs + targets.columns;
    auto block = make_aligned<float>(values * kBlockSamples);
    std::fill_n(block.get(), values * kBlockSamples, 0.0f);
    for (int s = 0; s < samples; ++s) {
      for (int i = 0; i < problem.inputs; ++i)
        block[i * kBlockSamples + s] = static_cast<float>(x.row(first + s)[i]);
      for (int64_t k = 0; k < targets.columns; ++k)
        block[(problem.inputs + k) * kBlockSamples + s] =
            static_cast<float>(targets.row(first + s)[k]);
    }
    found_loss += trainee.learn(block.get(), samples, scale).loss * scale;
  }
  trainee.end_step(INFINITY);

  std::vector<double> parameters(start.begin(), start.end());
  const double loss = loss_of(problem, parameters, x, targets);
  CHECK_NEAR(found_loss, loss, 2e-6 * (1 + loss));
  for (int64_t p = 0; p < count; p += 1 + count / 40) {
    constexpr double step = 1e-6;
    std::vector<double> up = parameters, down = parameters;
    up[p] += step;
    down[p] -= step;
    const double wanted =
        (loss_of(problem, up, x, targets) - loss_of(problem, down, x, targets)) / (2 * step);
    CHECK_NEAR(trainee.gradient()[p], wanted, 1e-5 * (1 + std::abs(wanted)), "parameter", p, "of",
               count, "depth", problem.network.depth, "width", problem.network.width);
  }
}

MlpNetwork network(int depth, int width, Activation activation) {
  return {depth, width, activation, 0.1f, 1e-2, 0.1, 3, 5, 0};
}

}  // namespace

TEST(mlp_gradient_is_that_of_finite_differences) {
  for (const Activation activation : {Activation::rectifier, Activation::tanh})
    for (const Loss loss : {Loss::cross_entropy, Loss::l1, Loss::mse}) {
      check_gradient({network(1, 1, activation), 1, 2, 1, loss});
      check_gradient({network(2, 5, activation), 7, 3, 50, loss});
      check_gradient({network(5, 12, activation), 12, 4, 300, loss});
      check_gradient({network(2, 32, activation), 40, 32, 129, loss});
    }
}

TEST(mlp_padding_stays_out_of_the_result) {
  // A batch of one sample more than a block: its last block is nearly empty.
  const Problem problem{network(2, 3, Activation::tanh), 2, 2, kBlockSamples + 1,
                        Loss::cross_entropy};
  check_gradient(problem);
}
