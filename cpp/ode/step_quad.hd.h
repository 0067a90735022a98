// SPDX-License-Identifier: Apache-2.0
// Four neighbouring elements of a sample, those of one block of noise: the work of a GPU's thread, with the same bits
// as the CPU's strips.
#pragma once

#include <cmath>

#include "ode/element.hd.h"
#include "ode/normal.hd.h"
#include "ode/pass.h"
#include "ode/rows.hd.h"

namespace fastcv::FASTCV_ISA {

template <class T>
struct StepQuad {
  fastcv::ode::Pass pass;

  FASTCV_HD std::int64_t quads() const { return (pass.size + 3) / 4; }

  // Quad i of all samples' quads.
  FASTCV_HD void operator()(std::int64_t i) const {
    double errors[4];
    run(i / quads(), i % quads(), errors);
  }

  // Quad q of sample b; errors: scaled, 0 beyond the sample's end and where no norms are wanted.
  FASTCV_HD void run(std::int64_t b, std::int64_t q, double* errors) const {
    float noise[4] = {};
    if (pass.sample_ids != nullptr) {
      const auto id = static_cast<std::uint64_t>(pass.sample_ids[b]);
      normal_quad(pass.seed, static_cast<std::uint32_t>(id), static_cast<std::uint32_t>(id >> 32), pass.step,
                  static_cast<std::uint32_t>(q), 2, noise);
    }
    const double* table =
        pass.coefficients + (pass.rows == 1 ? 0 : b) * pass.num_outputs * (pass.num_inputs + pass.num_outputs);
    for (int j = 0; j < 4; ++j) {
      errors[j] = 4 * q + j < pass.size ? run_one(b * pass.size + 4 * q + j, noise[j], table) : 0.0;
    }
  }

  FASTCV_HD double run_one(std::int64_t place, float noise, const double* table) const {
    T columns[fastcv::ode::kMostInputs], rows[fastcv::ode::kMostOutputs];
    for (int k = 0; k < pass.num_inputs; ++k) {
      columns[k] = static_cast<T>(element(pass.inputs[k], pass.input_types[k], place));
    }
    for (int o = 0; o < pass.num_outputs; ++o) {
      rows[o] = row(table + o * (pass.num_inputs + pass.num_outputs), o, columns, static_cast<T>(noise), rows);
    }
    for (int o = 0; o < pass.num_outputs; ++o) {
      if (pass.outputs[o] != nullptr) set_element(pass.outputs[o], pass.output_types[o], place, double(rows[o]));
    }
    if (pass.norms == nullptr) return 0;
    const double y = std::fabs(double(rows[0])), x = pass.num_inputs == 0 ? y : std::fabs(double(columns[0]));
    return double(rows[pass.num_outputs - 1]) / (pass.absolute + pass.relative * (x > y ? x : y));
  }

  // The sum in the order of combine_rows: inputs, noise, outputs before.
  FASTCV_HD T row(const double* c, int o, const T* columns, T noise, const T* rows) const {
    T sum = T(0);
    for (int k = 0; k < pass.num_inputs; ++k) {
      const T term = static_cast<T>(c[k]) * columns[k];
      sum = k == 0 ? term : sum + term;
    }
    if (pass.sample_ids != nullptr) {
      const T term = static_cast<T>(c[pass.num_inputs]) * noise;
      sum = pass.num_inputs == 0 ? term : sum + term;
    }
    for (int before = 0; before < o; ++before) {
      sum = sum + static_cast<T>(c[pass.num_inputs + 1 + before]) * rows[before];
    }
    return clipped(sum, static_cast<T>(pass.clip[o]));
  }
};

}  // namespace fastcv::FASTCV_ISA
