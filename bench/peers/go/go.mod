module fastlancer/bench/peers/go

go 1.19
