// SPDX-License-Identifier: Apache-2.0
// Our own bundle adjustment with its arrays resident on a GPU.
#pragma once

#include "ba/solve.h"

namespace fastcv::cuda::ba {

// As fastcv::ba::solve_native, on the device of this number. The problem's arrays are the host's: they are copied there
// once, and what was found once back.
fastcv::ba::Summary solve(const fastcv::ba::Problem& problem, const fastcv::ba::Options& options,
                          const fastcv::ba::Callback& callback, int device);

}  // namespace fastcv::cuda::ba
