// SPDX-License-Identifier: Apache-2.0
// Networks one number after the other, which GPUs are compared with, agree with those in vectors: outputs and
// gradients, along tangents and not, whatever is sought.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "nerf/mlp.h"
#include "nerf/mlp_one.hd.h"

namespace fastcv {
namespace {

using nerf::Activation;
using nerf::Mlp;
using nerf::MlpArrays;

constexpr std::int64_t kRows = 83, kPart = 32;  // no multiples of each other

std::vector<double> random_values(std::mt19937& random, std::int64_t size) {
  std::normal_distribution<double> normal(0, 0.5);
  std::vector<double> values(static_cast<std::size_t>(size));
  for (double& value : values) value = normal(random);
  return values;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

struct Results {
  std::vector<double> out, by_inputs, by_parameters;
  explicit Results(const Mlp& net)
      : out(static_cast<std::size_t>(kRows * net.outputs)),
        by_inputs(static_cast<std::size_t>(kRows * net.inputs)),
        by_parameters(static_cast<std::size_t>(net.num_parameters())) {}
};

class OneByOne {
 public:
  using Engine = generic::MlpSerial<double>;
  using Block = generic::MlpBlock<Engine>;

  OneByOne(const Mlp& net, const MlpArrays<double>& arrays)
      : packing_{net},
        weights_(packed(arrays.parameters)),
        tangents_(packed(arrays.parameter_tangents)),
        arrays_(arrays) {}

  Results run(const std::vector<double>& grad) const {
    constexpr std::int64_t kParts = (kRows + kPart - 1) / kPart;
    Results results(packing_.net);
    std::vector<double> work(static_cast<std::size_t>(kParts * Block::work_size(packing_, true, true, 16)));
    std::vector<double> sums(static_cast<std::size_t>(kParts * packing_.sums()));
    const generic::MlpOne<double> one{part(false, work), results.out.data()};
    for (std::int64_t i = 0; i < kParts; ++i) one(i);
    const generic::MlpVjpOne<double> vjp{part(true, work), grad.data(), results.by_inputs.data(), sums.data()};
    for (std::int64_t i = 0; i < kParts; ++i) vjp(i);
    const generic::MlpAddParts<double, Engine::kGap> add{packing_, sums.data(), kParts, results.by_parameters.data()};
    for (std::int64_t i = 0; i < packing_.net.num_parameters(); ++i) add(i);
    return results;
  }

 private:
  std::vector<double> packed(const double* parameters) const {
    std::vector<double> result(parameters == nullptr ? 0 : static_cast<std::size_t>(packing_.size()));
    const generic::MlpPack<double, double, Engine::kGap> pack{packing_, parameters, result.data()};
    for (std::int64_t i = 0; !result.empty() && i < pack.rows(); ++i) {
      for (int k = 0; k <= packing_.net.widest(); ++k) pack.row(i, k, k + 1);  // as threads of a GPU do
    }
    return result;
  }
  generic::MlpPartOne<double> part(bool keeps, std::vector<double>& work) const {
    const double* tangents = tangents_.empty() ? nullptr : tangents_.data();
    const Block block{{}, packing_, weights_.data(), tangents, arrays_.along(), keeps, 16, work.data()};
    return {block, arrays_, kPart};
  }

  const Block::Packing packing_;
  const std::vector<double> weights_, tangents_;
  const MlpArrays<double> arrays_;
};

TEST_CASE("networks one number after the other") {
  std::mt19937 random(0);
  for (const Mlp& net : {Mlp{5, 3, 20, 2, true, Activation::tanh, Activation::sigmoid},
                         Mlp{33, 1, 16, 3, false, Activation::relu, Activation::none},
                         Mlp{3, 40, 1, 0, true, Activation::none, Activation::softplus}}) {
    const auto inputs = random_values(random, kRows * net.inputs);
    const auto parameters = random_values(random, net.num_parameters());
    const auto input_tangents = random_values(random, kRows * net.inputs);
    const auto parameter_tangents = random_values(random, net.num_parameters());
    const auto grad = random_values(random, kRows * net.outputs);
    for (const double* along_inputs : {static_cast<const double*>(nullptr), input_tangents.data()}) {
      for (const double* along_parameters : {static_cast<const double*>(nullptr), parameter_tangents.data()}) {
        const MlpArrays<double> arrays{inputs.data(), parameters.data(), along_inputs, along_parameters, kRows};
        const Results expected = OneByOne(net, arrays).run(grad);
        Results results(net);
        nerf::mlp(net, arrays, results.out.data(), 2);
        nerf::mlp_vjp(net, arrays, grad.data(), results.by_inputs.data(), results.by_parameters.data(), 2);
        CHECK(largest_difference(results.out, expected.out) < 1e-12);
        CHECK(largest_difference(results.by_inputs, expected.by_inputs) < 1e-12);
        CHECK(largest_difference(results.by_parameters, expected.by_parameters) < 1e-11);
        Results parts(net);  // what is sought alone is the same as together
        nerf::mlp_vjp<double>(net, arrays, grad.data(), parts.by_inputs.data(), nullptr, 1);
        nerf::mlp_vjp<double>(net, arrays, grad.data(), nullptr, parts.by_parameters.data(), 1);
        CHECK(parts.by_inputs == results.by_inputs);
        CHECK(parts.by_parameters == results.by_parameters);
      }
    }
  }
}

}  // namespace
}  // namespace fastcv
