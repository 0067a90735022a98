// SPDX-License-Identifier: Apache-2.0
// What GPUs do of networks, on the CPU: one number after the other, tiles of threads, and tiles of 16 as tensor cores
// take them, agree with vectors; outputs and gradients, along tangents and not, whatever is sought.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "nerf/mlp.h"
#include "nerf/mlp_serial.hd.h"
#include "nerf/mlp_threads.hd.h"

namespace fastcv {
namespace {

using generic::MlpProduct;
using generic::MlpSerial;
using generic::MlpThreads;
using nerf::Activation;
using nerf::Mlp;
using nerf::MlpArrays;

constexpr std::int64_t kRows = 83, kPart = 32;  // no multiples of each other
constexpr int kPoints = 16;

// As cuda/nerf/mlp_tensor_cores.cuh multiplies: whole tiles, to the ends of whatever lies beside rows and columns.
struct WholeTiles : generic::MlpTogether<float, float> {
  static constexpr int kGap = 8;

  static float sum(const MlpProduct<float>& product, int i, int j) {
    float result = 0;
    for (int k = 0; k < product.num_terms; ++k) {
      const auto& term = product.terms[k];
      for (int t = 0; t < (term.depth + 15) / 16 * 16; ++t) {
        result += term.left[i * term.left_row + t * term.left_depth] * term.right[t * term.right_stride + j];
      }
    }
    return result;
  }
  void product(float* out, std::int64_t stride, int rows, int columns, const MlpProduct<float>& product) const {
    for (int i = 0; i < (rows + 15) / 16 * 16; ++i) {
      for (int j = 0; j < (columns + 15) / 16 * 16; ++j) {
        const float value = sum(product, i, j) + (product.start == nullptr ? 0.0F : product.start[j]);
        out[i * stride + j] = product.rectified && value < 0 ? 0.0F : value;
      }
    }
  }
  void add_product(float* out, std::int64_t stride, int rows, int columns, const MlpProduct<float>& product) const {
    for (int i = 0; i < (rows + 15) / 16 * 16; ++i) {
      for (int j = 0; j < (columns + 15) / 16 * 16; ++j) out[i * stride + j] += sum(product, i, j);
    }
  }
};

template <class T>
std::vector<T> random_values(std::mt19937& random, std::int64_t size) {
  std::normal_distribution<T> normal(0, T(0.5));
  std::vector<T> values(static_cast<std::size_t>(size));
  for (T& value : values) value = normal(random);
  return values;
}

template <class T>
T largest_difference(const std::vector<T>& a, const std::vector<T>& b) {
  T largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const T difference = std::abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;  // NaN too
  }
  return largest;
}

template <class T>
struct Results {
  std::vector<T> out, by_inputs, by_parameters;
  explicit Results(const Mlp& net)
      : out(static_cast<std::size_t>(kRows * net.outputs)),
        by_inputs(static_cast<std::size_t>(kRows * net.inputs)),
        by_parameters(static_cast<std::size_t>(net.num_parameters())) {}
};

template <class Engine, class T>
class OnEngine {
 public:
  using Block = generic::MlpBlock<Engine>;

  OnEngine(const Mlp& net, const MlpArrays<T>& arrays)
      : packing_{net},
        weights_(packed(arrays.parameters)),
        tangents_(packed(arrays.parameter_tangents)),
        arrays_(arrays) {}

  Results<T> run(const std::vector<T>& grad) const {
    constexpr std::int64_t kParts = (kRows + kPart - 1) / kPart;
    Results<T> results(packing_.net);
    std::vector<T> sums(static_cast<std::size_t>(kParts * packing_.sums()));
    for (std::int64_t i = 0; i < kParts; ++i) {
      const std::int64_t begin = i * kPart, end = std::min(begin + kPart, kRows);
      // Nothing may be read before it is written.
      std::vector<T> work(static_cast<std::size_t>(Block::work_size(packing_, arrays_.along(), true, kPoints)),
                          std::numeric_limits<T>::quiet_NaN());
      generic::mlp_rows(block(false, work), arrays_, begin, end, results.out.data());
      generic::mlp_rows_vjp(block(true, work), arrays_, begin, end, grad.data(), results.by_inputs.data(),
                            sums.data() + i * packing_.sums());
    }
    const generic::MlpAddParts<T, Engine::kGap> add{packing_, sums.data(), kParts, results.by_parameters.data()};
    one_by_one(add);
    return results;
  }

 private:
  // As threads of a GPU do.
  template <class Op>
  void one_by_one(const Op& op) const {
    for (std::int64_t i = 0; i < generic::MlpRow::count(packing_.net); ++i) {
      for (int k = 0; k <= packing_.net.widest(); ++k) op(i, k, k + 1);
    }
  }
  std::vector<T> packed(const T* parameters) const {
    std::vector<T> result(parameters == nullptr ? 0 : static_cast<std::size_t>(packing_.size()));
    const generic::MlpPack<T, T, Engine::kGap> pack{packing_, parameters, result.data()};
    if (!result.empty()) one_by_one(pack);
    return result;
  }
  Block block(bool keeps, std::vector<T>& work) const {
    const T* tangents = tangents_.empty() ? nullptr : tangents_.data();
    return {{}, packing_, weights_.data(), tangents, arrays_.along(), keeps, kPoints, work.data()};
  }

  const typename Block::Packing packing_;
  const std::vector<T> weights_, tangents_;
  const MlpArrays<T> arrays_;
};

template <class T>
void check_same(const Results<T>& results, const Results<T>& expected, T tolerance) {
  CHECK(largest_difference(results.out, expected.out) < tolerance);
  CHECK(largest_difference(results.by_inputs, expected.by_inputs) < tolerance);
  CHECK(largest_difference(results.by_parameters, expected.by_parameters) < 10 * tolerance);  // sums of 83
}

// check(net, arrays, grad) for networks and all combinations of tangents.
template <class T, class Check>
void for_networks(const Check& check) {
  std::mt19937 random(0);
  for (const Mlp& net : {Mlp{5, 3, 20, 2, true, Activation::tanh, Activation::sigmoid},
                         Mlp{33, 1, 16, 3, false, Activation::relu, Activation::none},
                         Mlp{3, 40, 1, 0, true, Activation::none, Activation::softplus}}) {
    const auto inputs = random_values<T>(random, kRows * net.inputs);
    const auto parameters = random_values<T>(random, net.num_parameters());
    const auto input_tangents = random_values<T>(random, kRows * net.inputs);
    const auto parameter_tangents = random_values<T>(random, net.num_parameters());
    const auto grad = random_values<T>(random, kRows * net.outputs);
    for (const T* along_inputs : {static_cast<const T*>(nullptr), input_tangents.data()}) {
      for (const T* along_parameters : {static_cast<const T*>(nullptr), parameter_tangents.data()}) {
        check(net, MlpArrays<T>{inputs.data(), parameters.data(), along_inputs, along_parameters, kRows}, grad);
      }
    }
  }
}

template <class T>
Results<T> in_vectors(const Mlp& net, const MlpArrays<T>& arrays, const std::vector<T>& grad) {
  Results<T> results(net);
  nerf::mlp(net, arrays, results.out.data(), 2);
  nerf::mlp_vjp(net, arrays, grad.data(), results.by_inputs.data(), results.by_parameters.data(), 2);
  return results;
}

TEST_CASE("networks one number after the other are those in vectors") {
  for_networks<double>([](const Mlp& net, const MlpArrays<double>& arrays, const std::vector<double>& grad) {
    check_same(OnEngine<MlpSerial<double>, double>(net, arrays).run(grad), in_vectors(net, arrays, grad), 1e-12);
  });
}

TEST_CASE("tiles of networks are those in vectors, and read nothing that was not written") {
  for_networks<float>([](const Mlp& net, const MlpArrays<float>& arrays, const std::vector<float>& grad) {
    const Results<float> expected = in_vectors(net, arrays, grad);
    check_same(OnEngine<MlpThreads, float>(net, arrays).run(grad), expected, 5e-5F);
    check_same(OnEngine<WholeTiles, float>(net, arrays).run(grad), expected, 5e-5F);
  });
}

TEST_CASE("what is sought of a network alone is the same as together") {
  for_networks<double>([](const Mlp& net, const MlpArrays<double>& arrays, const std::vector<double>& grad) {
    const Results<double> expected = in_vectors(net, arrays, grad);
    Results<double> parts(net);
    nerf::mlp_vjp<double>(net, arrays, grad.data(), parts.by_inputs.data(), nullptr, 1);
    nerf::mlp_vjp<double>(net, arrays, grad.data(), nullptr, parts.by_parameters.data(), 1);
    CHECK(parts.by_inputs == expected.by_inputs);
    CHECK(parts.by_parameters == expected.by_parameters);
  });
}

}  // namespace
}  // namespace fastcv
