module fastlancer/bench/load

go 1.19
