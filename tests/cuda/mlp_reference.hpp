// Training of one network in float64, sample by sample, and what the tests train.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "core/batch_order.hpp"
#include "mlp_ensemble.hpp"

namespace mmkernels::testing {

struct Learned {
  std::vector<double> losses;  // of the steps
  std::vector<double> train, valid, score;  // of the epochs
  std::vector<float> best;                  // padded, as cuda::NetworkShape has them
  int64_t best_epoch = 0, diverged = 0;
};

struct Recipe {
  cuda::NetworkShape shape;
  bool is_tanh = false;
  double slope = 0.1, learning_rate = 1e-3, weight_decay = 0.01;
  int64_t epochs = 3;
  uint64_t order = 0, seed = 0;
};

// Normal inputs, and targets that depend on them.
struct TaskData {
  int64_t n, m;
  int inputs, outputs;
  std::vector<float> x;  // [n + m][padded(inputs)]
  std::vector<int32_t> classes;
  std::vector<float> values;  // [n + m][outputs]

  TaskData(int64_t n, int64_t m, int inputs, int outputs, uint32_t seed = 1)
      : n(n), m(m), inputs(inputs), outputs(outputs) {
    const int pitch = cuda::padded(inputs);
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    x.assign((n + m) * pitch, 0.0f);
    for (int64_t i = 0; i < n + m; ++i) {
      for (int k = 0; k < inputs; ++k) x[i * pitch + k] = normal(generator);
      int best = 0;
      for (int o = 0; o < outputs; ++o) {
        values.push_back(std::sin(x[i * pitch + o % inputs] + o) + 0.3f * normal(generator));
        if (values[i * outputs + o] > values[i * outputs + best]) best = o;
      }
      classes.push_back(best);
    }
  }

  cuda::Samples training() const { return samples(0, n); }
  cuda::Samples validation() const { return samples(n, m); }

 private:
  cuda::Samples samples(int64_t first, int64_t count) const {
    return {count, x.data() + first * cuda::padded(inputs),
            {classes.data() + first, values.data() + first * outputs}};
  }
};

inline std::vector<float> initial_parameters(const Recipe& recipe) {
  const cuda::NetworkShape& shape = recipe.shape;
  std::vector<float> all(shape.parameters(), 0.0f);
  std::mt19937 generator(static_cast<uint32_t>(recipe.seed));
  for (int layer = 0; layer <= shape.depth; ++layer) {
    const int own = layer == 0 ? shape.inputs : shape.width;
    const int units = layer == shape.depth ? shape.outputs : shape.width;
    const float bound = 1 / std::sqrt(static_cast<float>(own));
    std::uniform_real_distribution<float> uniform(-bound, bound);
    for (int unit = 0; unit < units; ++unit) {
      for (int k = 0; k < own; ++k)
        all[shape.weights_at(layer) + unit * shape.rows_in(layer) + k] = uniform(generator);
      all[shape.bias_at(layer) + unit] = uniform(generator);
    }
  }
  return all;
}

class Reference {
 public:
  Reference(const Recipe& recipe, const TaskData& data, cuda::TrainingLoss loss)
      : recipe_(recipe), shape_(recipe.shape), data_(data), loss_(loss) {
    const std::vector<float> start = initial_parameters(recipe);
    parameters_.assign(start.begin(), start.end());
    result_.best = start;
  }

  Learned train(int batch_size, double clip) {
    std::vector<double> first(parameters_.size()), second(parameters_.size());
    int64_t step = 0;
    for (int64_t epoch = 0; epoch < recipe_.epochs; ++epoch) {
      const std::vector<int64_t> order = visited(epoch);
      double mean = 0;
      for (int64_t start = 0; start < data_.n; start += batch_size) {
        const int64_t batch = std::min<int64_t>(batch_size, data_.n - start);
        gradient_.assign(parameters_.size(), 0.0);
        double sum = 0;
        for (int64_t i = start; i < start + batch; ++i) sum += learn(order[i], batch);
        result_.losses.push_back(sum / batch);
        mean += sum;
        double squares = 0;
        for (double g : gradient_) squares += g * g;
        const double scale = std::min(1.0, clip / (std::sqrt(squares) + 1e-6));
        ++step;
        for (size_t i = 0; i < parameters_.size(); ++i) {
          const double g = gradient_[i] * scale;
          first[i] = 0.9 * first[i] + 0.1 * g;
          second[i] = 0.999 * second[i] + 0.001 * g * g;
          parameters_[i] *= 1 - recipe_.learning_rate * recipe_.weight_decay;
          parameters_[i] -= recipe_.learning_rate / (1 - std::pow(0.9, step)) * first[i] /
                            (std::sqrt(second[i] / (1 - std::pow(0.999, step))) + 1e-8);
        }
      }
      result_.train.push_back(mean / data_.n);
      validate(epoch);
    }
    return result_;
  }

 private:
  std::vector<int64_t> visited(int64_t epoch) const {
    const BatchOrder order = batch_order(recipe_.order, epoch, data_.n);
    std::vector<int64_t> all;
    for (int64_t place = 0; place < order.domain; ++place)
      if (const int64_t sample = ordered(order, static_cast<uint32_t>(place)); sample < data_.n)
        all.push_back(sample);
    return all;
  }

  double weight(int layer, int unit, int k) const {
    return parameters_[shape_.weights_at(layer) + unit * shape_.rows_in(layer) + k];
  }
  int units(int layer) const { return layer == shape_.depth ? shape_.outputs : shape_.width; }
  int inputs(int layer) const { return layer == 0 ? shape_.inputs : shape_.width; }

  // Activations, the inputs first and the head's outputs last.
  std::vector<std::vector<double>> activations(int64_t sample) const {
    const float* x = &data_.x[sample * cuda::padded(data_.inputs)];
    std::vector<std::vector<double>> all{std::vector<double>(x, x + data_.inputs)};
    for (int layer = 0; layer <= shape_.depth; ++layer) {
      std::vector<double> next(units(layer));
      for (int unit = 0; unit < units(layer); ++unit) {
        double sum = parameters_[shape_.bias_at(layer) + unit];
        for (int k = 0; k < inputs(layer); ++k) sum += weight(layer, unit, k) * all.back()[k];
        if (layer < shape_.depth)
          sum = recipe_.is_tanh ? std::tanh(sum) : sum > 0 ? sum : recipe_.slope * sum;
        next[unit] = sum;
      }
      all.push_back(next);
    }
    return all;
  }

  // The loss, its derivatives, and the score.
  double judge(const std::vector<double>& found, int64_t sample, std::vector<double>& errors,
               double& score) const {
    const int outputs = data_.outputs;
    errors.assign(outputs, 0.0);
    if (loss_ == cuda::TrainingLoss::cross_entropy) {
      const auto largest = std::max_element(found.begin(), found.end());
      double sum = 0;
      for (double value : found) sum += std::exp(value - *largest);
      const int wanted = data_.classes[sample];
      for (int o = 0; o < outputs; ++o)
        errors[o] = std::exp(found[o] - *largest) / sum - (o == wanted);
      score = largest - found.begin() == wanted;
      return std::log(sum) + *largest - found[wanted];
    }
    double loss = 0;
    score = 0;
    for (int o = 0; o < outputs; ++o) {
      const double error = found[o] - data_.values[sample * outputs + o];
      score += std::abs(error) / outputs;
      const bool is_l1 = loss_ == cuda::TrainingLoss::l1;
      loss += (is_l1 ? std::abs(error) : error * error) / outputs;
      errors[o] = (is_l1 ? (error > 0) - (error < 0) : 2 * error) / outputs;
    }
    return loss;
  }

  double learn(int64_t sample, int64_t batch) {
    const std::vector<std::vector<double>> all = activations(sample);
    std::vector<double> errors;
    double score = 0;
    const double loss = judge(all.back(), sample, errors, score);
    for (int layer = shape_.depth; layer >= 0; --layer) {
      std::vector<double> before(inputs(layer), 0.0);
      for (int unit = 0; unit < units(layer); ++unit) {
        gradient_[shape_.bias_at(layer) + unit] += errors[unit] / batch;
        for (int k = 0; k < inputs(layer); ++k) {
          gradient_[shape_.weights_at(layer) + unit * shape_.rows_in(layer) + k] +=
              errors[unit] * all[layer][k] / batch;
          before[k] += errors[unit] * weight(layer, unit, k);
        }
      }
      for (int k = 0; k < inputs(layer); ++k) {
        const double result = all[layer][k];
        before[k] *= recipe_.is_tanh ? 1 - result * result : result > 0 ? 1.0 : recipe_.slope;
      }
      errors = before;
    }
    return loss;
  }

  void validate(int64_t epoch) {
    double loss = 0, scores = 0;
    std::vector<double> errors;
    for (int64_t i = data_.n; i < data_.n + data_.m; ++i) {
      double score = 0;
      loss += judge(activations(i).back(), i, errors, score) / data_.m;
      scores += score / data_.m;
    }
    result_.valid.push_back(loss);
    result_.score.push_back(scores);
    const bool is_higher = loss_ == cuda::TrainingLoss::cross_entropy;
    const double best = result_.best_epoch ? result_.score[result_.best_epoch - 1] : 0;
    if (result_.best_epoch == 0 || (is_higher ? scores > best : scores < best)) {
      result_.best_epoch = epoch + 1;
      result_.best.assign(parameters_.begin(), parameters_.end());
    }
  }

  Recipe recipe_;
  cuda::NetworkShape shape_;
  const TaskData& data_;
  cuda::TrainingLoss loss_;
  std::vector<double> parameters_, gradient_;
  Learned result_;
};

}  // namespace mmkernels::testing
