### Names of what shipped limit tables judge, beside those of the lane. Elements, nuclides and compounds with a
### symbol go by it: Pb, Cs-137, BaP.

# Textiles and cotton.
parameter-fastness-wet-rubbing = colour fastness to wet rubbing
parameter-phthalate-group = phthalates (total of a group)
parameter-flammability-class = flammability class
parameter-head-neck-cord = cord at head or neck
parameter-micronaire = micronaire
parameter-moisture-regain = moisture regain

# Weighing.
parameter-scale-error = error of indication

# Tyres and rubber.
parameter-tread-wear-indicator = height of the tread-wear indicator
parameter-rolling-resistance = rolling resistance coefficient
parameter-wet-grip = wet grip index
parameter-pah-8-sum = sum of 8 PAHs
parameter-bay-protons = bay protons

# Coal, bulk cargoes, fuels, flammable liquids.
parameter-ash = ash
parameter-sulfur = sulphur
parameter-net-calorific-value = net calorific value
parameter-moisture = moisture
parameter-moisture-certificate = moisture certificate
parameter-pah = polycyclic aromatics
parameter-flash-point = flash point
parameter-initial-boiling-point = initial boiling point

# Brake linings.
parameter-asbestos = asbestos
parameter-mu-normal = normal friction coefficient
parameter-mu-hot = hot friction coefficient
parameter-mu-fade-2 = least friction coefficient of the second fade
parameter-mu-recovery-2 = least friction coefficient of the second recovery
parameter-mu-spread = greatest departure of the friction coefficient from the mean
parameter-mu-working = working friction coefficient
parameter-mu-1 = friction coefficient mu 1
parameter-mu-2 = friction coefficient mu 2
parameter-shear-strength = shear strength
parameter-lining-left = lining left after shearing

# Radiation.
parameter-surface-alpha = alpha surface contamination
parameter-surface-beta = beta surface contamination
parameter-natural-activity-index = sum of natural activities over their levels
