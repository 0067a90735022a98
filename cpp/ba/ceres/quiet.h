// SPDX-License-Identifier: Apache-2.0
// Keeps glog silent while Ceres runs: Ceres logs failed linear solves whatever its options say.
#pragma once

namespace fastcv::ba {

// glog's threshold belongs to the process; the last scope to end puts back what the first one found.
class Quiet {
 public:
  Quiet();
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
};

}  // namespace fastcv::ba
