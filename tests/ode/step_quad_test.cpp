// SPDX-License-Identifier: Apache-2.0
// What a GPU's thread does with four elements gives the bits of the CPU's strips.
#include "ode/step_quad.hd.h"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <vector>

#include "ode/step.h"

namespace {

using fastcv::ode::Pass;
using fastcv::ode::Scalar;

// Two inputs and two outputs of these types, numbers of both signs and sizes.
struct Problem {
  Pass pass{};
  std::vector<std::uint64_t> memory[4];  // aligned for every type
  std::vector<double> table, norms, partial;
  std::vector<std::int64_t> ids;

  Problem(std::int64_t samples, std::int64_t size, Scalar model, Scalar state, bool noisy, bool per_sample) {
    const Scalar types[4] = {state, model, state, model};
    for (int a = 0; a < 4; ++a) memory[a].resize(samples * size + 1);
    for (int a = 0; a < 2; ++a) {
      for (std::int64_t i = 0; i < samples * size; ++i) {
        const double x = static_cast<double>((i * 7919 + a * 104729) % 2003 - 1001) / 250;
        fastcv::generic::set_element(memory[a].data(), types[a], i, x);
      }
      pass.inputs[a] = memory[a].data();
      pass.outputs[a] = memory[2 + a].data();
      pass.input_types[a] = types[a];
      pass.output_types[a] = types[2 + a];
      pass.clip[a] = a == 0 ? std::numeric_limits<double>::infinity() : 1.5;
    }
    pass.samples = samples;
    pass.size = size;
    pass.num_inputs = pass.num_outputs = 2;
    pass.rows = per_sample ? samples : 1;
    for (std::int64_t k = 0; k < 8 * pass.rows; ++k) table.push_back(0.1 * static_cast<double>(k % 23) - 1);
    for (std::int64_t b = 0; b < samples; ++b) ids.push_back(b * (std::int64_t(1) << 33) + 5);
    norms.resize(samples);
    partial.resize(samples * pass.strips());
    pass.coefficients = table.data();
    pass.sample_ids = noisy ? ids.data() : nullptr;
    pass.seed = 0x123456789abcdefULL;
    pass.step = 3;
    pass.norms = norms.data();
    pass.partial = partial.data();
    pass.absolute = 1e-3;
    pass.relative = 1e-2;
  }
  bool operator==(const Problem& other) const { return memory[2] == other.memory[2] && memory[3] == other.memory[3]; }
};

template <class T>
void compare(std::int64_t samples, std::int64_t size, Scalar model, Scalar state) {
  for (const bool noisy : {false, true}) {
    for (const bool per_sample : {false, true}) {
      Problem strips(samples, size, model, state, noisy, per_sample);
      Problem quads(samples, size, model, state, noisy, per_sample);
      fastcv::ode::step(strips.pass, 1);
      const fastcv::generic::StepQuad<T> work{quads.pass};
      for (std::int64_t i = 0; i < samples * work.quads(); ++i) work(i);
      CHECK(strips == quads);
    }
  }
}

}  // namespace

TEST_CASE("quads give the bits of strips") {
  for (const std::int64_t size : {1, 2, 5, 128, 129, 1030}) {
    compare<float>(3, size, Scalar::float32, Scalar::float32);
    compare<float>(3, size, Scalar::bfloat16, Scalar::float32);
    compare<float>(3, size, Scalar::float16, Scalar::float32);
    compare<double>(3, size, Scalar::float64, Scalar::float64);
  }
}
