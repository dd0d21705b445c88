// Trains many small multi-layer perceptrons, each as PyTorch would train it alone.
//
// A network and the batch it learns stay in the caches of one core; threads take whole networks, so
// that what one becomes depends neither on their number nor on the other networks.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "thread_pool.hpp"

namespace mmkernels::cpu {

enum class Activation { rectifier, tanh };
enum class Loss { cross_entropy, l1, mse };

struct MlpNetwork {
  int depth, width;
  Activation activation;
  float slope;  // of a rectifier, below zero
  double learning_rate, weight_decay;
  int64_t epochs;
  uint64_t order;  // seed of the batch order
  int64_t data;    // which of the data sets
};

struct MlpSamples {
  const float* inputs;    // (count, inputs)
  const int64_t* labels;  // (count,) classes, of cross-entropy
  const float* values;    // (count, outputs), of the other losses
  int64_t count;
};

struct MlpData {
  int inputs, outputs;
  MlpSamples train, valid;
};

struct MlpOptions {
  Loss loss;
  int64_t batch_size;
  double clip;           // of the norm of the gradient
  int64_t record_steps;  // losses of so many first steps are kept
};

// The arrays are the caller's, and hold NaN where nothing is written.
struct MlpResult {
  float* parameters;  // the initial ones, and then those of the best epoch
  double *train_loss, *valid_loss, *valid_score;  // per epoch
  float* step_losses;
  int64_t best_epoch = 0;  // from 1; 0 where none was finite
  int64_t diverged = 0;    // the epoch whose loss was not finite; 0 where none was
};

// `finished` counts the networks that are done, to be read while others are not.
void train(std::span<const MlpNetwork> networks, std::span<const MlpData> data,
           const MlpOptions& options, std::span<MlpResult> results,
           std::atomic<int64_t>& finished, const Call& call);

}  // namespace mmkernels::cpu
