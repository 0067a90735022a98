// SPDX-License-Identifier: Apache-2.0
// One step of a sampler in one pass over its arrays.
#pragma once

#include "ode/pass.h"

namespace fastcv::ode {

// Results, norms included, do not depend on num_threads; 0 means the default.
void step(const Pass& pass, int num_threads);

}  // namespace fastcv::ode
