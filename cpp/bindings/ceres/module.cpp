// SPDX-License-Identifier: Apache-2.0
// fastcv._ceres: bundle adjustment by Ceres, in a module of its own.
#include "ba/ceres/version.h"
#include "bindings/arrays.h"

NB_MODULE(_ceres, m) { m.def("version", &fastcv::ba::ceres_version); }
